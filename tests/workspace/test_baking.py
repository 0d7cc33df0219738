"""Many sources become one stored city, whoever reads them; what was finished before a stop is not done again."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.builders import city_of, gable_house
from viewer.city import Frame, Severity
from viewer.city.arrange import arrange
from viewer.city.merge import merge
from viewer.errors import ReadError, ViewerError
from viewer.plugin_host import default_folders
from viewer.readers import helpers
from viewer.readers.cityjson_writer import write_cityjson
from viewer.readers.store import open_store
from viewer.readers.store.folder import scratch_name
from viewer.workspace import baking
from viewer.workspace.baking import LEFT_OUT_TEXT, Baked, Listener, Order, bake, here, processes, workers_for
from viewer.workspace.parts import Done, open_part

#: A reader that ends its process at the first file named so, and reads it at the second try.
PLUGIN = """
import os
from pathlib import Path
import numpy as np
from viewer.plugin_api import RawCity

def read(path, context):
    mark = Path(path).with_suffix(".tried")
    if not mark.exists():
        mark.write_text("")
        os._exit(9)
    zero = np.zeros(1, int)
    points = np.array([[565100.0, 5934000.0, 0.0], [565109.0, 5934000.0, 0.0], [565109.0, 5934009.0, 5.0]])
    raw = RawCity(points, np.array([0, 3]), zero, zero, zero, zero, ["1"], ["deadly"], ["Building"], zero - 1)
    raw.crs = "EPSG:25832"
    return context.make_city(raw, path)
"""


def district(folder: Path, number: int, houses: int = 6) -> Path:
    places = [(700.0 * number + 90.0 * i, 40.0 * i * number, 0.0) for i in range(houses)]
    city = city_of(
        [gable_house(12, 8, 6, 9, origin=place) for place in places],
        ids=[f"haus-{number}-{i}" if i else "rathaus" for i in range(houses)],
        attributes={"storeysAboveGround": [2.0] * houses},
        origin=(0.0, 0.0, 0.0),
    )
    path = folder / f"district-{number}.city.json"
    write_cityjson(replace(city, frame=Frame("EPSG:25832", (565e3, 5934e3, 10.0))), path)
    return path


@pytest.fixture
def sources(tmp_path) -> list[Path]:
    (tmp_path / "in").mkdir()
    return [district(tmp_path / "in", number) for number in range(5)]


class Heard(Listener):
    def __init__(self, stop_after: int = 0) -> None:
        self.parts: list[Done] = []
        self.tiles: list[tuple[int, int]] = []
        self.stop_after = stop_after

    def part(self, done, number, count):
        self.parts.append(done)
        assert number == len(self.parts) and count >= number
        if self.stop_after == number:
            raise KeyboardInterrupt

    def joining(self, tile, count):
        self.tiles.append((tile, count))


def baked(sources, out: Path, run=here, listener=None, **options) -> Baked:
    return bake(Order(sources, out, **options), run, listener)


def content(folder: Path) -> dict[str, int]:
    """All arrays of a store; the manifest holds times."""
    return {path.name: zlib.crc32(path.read_bytes()) for path in sorted(folder.glob("*.npy"))}


def test_the_city_is_that_of_all_sources_and_opens_ready(sources, tmp_path):
    heard = Heard()
    result = baked(sources, tmp_path / "town.city", listener=heard)
    stored = open_store(tmp_path / "town.city")
    assert len(stored.city.objects) == 30 and stored.city.name == "town"
    assert result.parts == 5 and not result.errors
    assert result.size == sum(path.stat().st_size for path in (tmp_path / "town.city").iterdir()) - 128 * len(
        list((tmp_path / "town.city").glob("*.npy"))
    )
    assert [Path(done.path).name for done in heard.parts] == [path.name for path in sources]
    assert heard.tiles[-1][0] == heard.tiles[-1][1] == len(stored.city.tiles)
    assert {"lod_faces", "measures.ground_m", "ground.heights", "tree_places"} <= set(stored.ready)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "town.city"]


def test_it_is_the_merged_city_whose_ids_are_unique(sources, tmp_path):
    baked(sources, tmp_path / "town.city")
    whole = open_store(tmp_path / "town.city").city
    order = Order(sources, tmp_path / "again.city")
    order.parts_folder.mkdir()
    jobs, _ = baking._parts(order, here, Listener())
    expected = arrange(merge([open_part(job).city for job in jobs]))
    for name, array in expected.arrays().items():
        np.testing.assert_array_equal(whole.arrays()[name], array, err_msg=name)
    assert whole.objects.ids.tolist() == expected.objects.ids.tolist()
    assert any("~2" in text for text in whole.objects.ids.tolist())


def test_several_processes_make_the_same_bytes(sources, tmp_path):
    baked(sources, tmp_path / "one.city")
    baked(sources, tmp_path / "two.city", processes(2))
    assert content(tmp_path / "one.city") == content(tmp_path / "two.city") != {}


def test_a_stopped_run_leaves_no_city_and_the_next_goes_on(sources, tmp_path):
    out = tmp_path / "town.city"
    with pytest.raises(KeyboardInterrupt):
        baked(sources, out, listener=Heard(stop_after=3))
    assert not out.exists()
    heard = Heard()
    baked(sources, out, listener=heard)
    assert [done.kept for done in heard.parts] == [True, True, True, False, False]
    whole = content(out)
    baked(sources, tmp_path / "once.city")
    assert whole == content(tmp_path / "once.city")


def test_a_stop_while_joining_leaves_no_city_and_the_next_reads_nothing(sources, tmp_path, monkeypatch):
    def stop(self, tile, count):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Heard, "joining", stop)
        with pytest.raises(KeyboardInterrupt):
            baked(sources, tmp_path / "town.city", listener=Heard())
    assert [path.name for path in tmp_path.iterdir() if path.name != "in"] == [".town.city.parts"]
    heard = Heard()
    baked(sources, tmp_path / "town.city", listener=heard)
    assert all(done.kept for done in heard.parts)


def test_changed_sources_and_damaged_parts_are_read_again(sources, tmp_path):
    order = Order(sources, tmp_path / "town.city")
    with pytest.raises(KeyboardInterrupt):
        bake(order, here, Heard(stop_after=5))
    district(tmp_path / "in", 1, houses=9)
    frame = open_part(order.job(sources[0], Frame())).city.frame
    damaged = order.job(sources[3], frame).store / "triangles.npy"
    raw = bytearray(damaged.read_bytes())
    raw[-2] ^= 4
    damaged.write_bytes(raw)
    heard = Heard()
    bake(order, here, heard)
    assert [done.kept for done in heard.parts] == [True, False, True, True, True]
    city = open_store(tmp_path / "town.city").city
    assert len(city.objects) == 33
    baked(sources, tmp_path / "once.city")
    assert content(tmp_path / "town.city") == content(tmp_path / "once.city")


def test_another_program_version_keeps_nothing(sources, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        baked(sources, tmp_path / "town.city", listener=Heard(stop_after=2))
    monkeypatch.setattr("viewer.workspace.baking.fingerprint", lambda: "another")
    heard = Heard()
    baked(sources, tmp_path / "town.city", listener=heard)
    assert not any(done.kept for done in heard.parts)


def test_a_source_that_cannot_be_read_is_left_out_and_told(sources, tmp_path):
    sources[0].write_text("{")
    sources[3].write_text("no city")
    result = baked(sources, tmp_path / "town.city")
    stored = open_store(tmp_path / "town.city")
    assert result.parts == 3 and [error.path for error in result.errors] == [sources[0], sources[3]]
    (told,) = [issue for issue in stored.report.issues if issue.text == LEFT_OUT_TEXT]
    assert told.severity is Severity.WARNING and told.count == 2 and told.where == (sources[0].name, sources[3].name)
    assert len(stored.city.objects) == 18


def test_without_any_source_the_first_reason_is_told(sources, tmp_path):
    for path in sources:
        path.write_text("no city")
    with pytest.raises(ViewerError) as raised:
        baked(sources, tmp_path / "town.city")
    assert raised.value.path == sources[0]
    assert not (tmp_path / "town.city").exists()


def test_a_source_that_changes_while_it_is_read_is_refused(sources, tmp_path, monkeypatch):
    from viewer.plugin_host import PluginHost

    real = PluginHost.read

    def changing(self, path, context, reader=""):
        reading = real(self, path, context, reader)
        path.write_bytes(path.read_bytes() + b" ")
        return reading

    monkeypatch.setattr(PluginHost, "read", changing)
    with pytest.raises(ReadError, match="changed while it was read"):
        baked(sources[:1], tmp_path / "town.city")


@pytest.fixture
def deadly(tmp_path) -> tuple[list[Path], Path]:
    """Sources of which one ends the process that reads it, once; and the folder of the plugin that does so."""
    folder = tmp_path / "plugins" / "deadly"
    folder.mkdir(parents=True)
    (folder / "deadly.py").write_text(PLUGIN)
    (folder / "plugin.toml").write_text(
        'id = "deadly"\ntitle = "Deadly"\nversion = "1"\napi = 1\nlicence = "MIT"\ndescription = "For a test."\n'
        '[[readers]]\ntitle = "Deadly"\npatterns = ["*.deadly"]\ncall = "deadly:read"\nresult = "city"\n'
    )
    (tmp_path / "in").mkdir(exist_ok=True)
    sources = [district(tmp_path / "in", number) for number in range(3)]
    victim = tmp_path / "in" / "town.deadly"
    victim.write_text("1000")
    return [*sources[:2], victim, sources[2]], tmp_path / "plugins"


def test_work_goes_on_after_a_process_was_killed(deadly, tmp_path):
    sources, plugins = deadly
    heard = Heard()
    result = baked(sources, tmp_path / "town.city", processes(2), heard, plugins=(plugins,))
    assert sources[2].with_suffix(".tried").exists()
    assert result.parts == 4 and not result.errors
    assert len(open_store(tmp_path / "town.city").city.objects) == 19


def test_a_source_that_kills_every_process_is_told(deadly, tmp_path, monkeypatch):
    sources, plugins = deadly
    (plugins / "deadly" / "deadly.py").write_text("import os\ndef read(path, context):\n    os._exit(9)\n")
    monkeypatch.setattr(baking, "MOST_RESTARTS", 0)
    order = [sources[0], sources[2]]
    result = baked(order, tmp_path / "town.city", processes(2), plugins=(plugins,))
    assert [error.text for error in result.errors] == [baking.KILLED_TEXT] and result.parts == 1


def test_nothing_is_left_running_after_a_stop(sources, tmp_path):
    import multiprocessing
    from multiprocessing.connection import wait

    kept = set(multiprocessing.active_children())  # warm helpers of readers that other tests started
    with pytest.raises(KeyboardInterrupt):
        baked(sources, tmp_path / "town.city", processes(2), Heard(stop_after=2))
    helpers.stop()  # those of the readers stay warm, whoever started them
    # ``join`` is not to be trusted here: the thread of the pool waits for the same processes, and whoever comes second
    # takes one that it cannot ask about for one that lives.
    running = {child.sentinel for child in set(multiprocessing.active_children()) - kept}
    while running:
        ended = wait(running, 20)
        assert ended
        running -= set(ended)


def test_a_killed_program_leaves_no_city_and_the_next_goes_on(sources, tmp_path):
    out = tmp_path / "town.city"
    root = Path(__file__).parents[2]
    command = [sys.executable, str(root / "main.py"), "bake", *map(str, sources), str(out), "--workers", "2"]
    program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8", cwd=root)
    lines = (line for line in program.stderr if " 5: " in line)
    next(lines), next(lines)
    program.kill()
    program.wait(30)
    program.stderr.close()
    assert not out.exists()
    heard = Heard()
    baked(sources, out, listener=heard, plugins=tuple(default_folders()))
    assert sum(done.kept for done in heard.parts) >= 2 or len(open_store(out).city.objects) == 30
    assert [path.name for path in tmp_path.iterdir() if path.name != "in"] == ["town.city"]


def test_what_killed_programs_left_is_removed_after_a_day(sources, tmp_path):
    old, fresh = (scratch_name(tmp_path, "tmp") for _ in range(2))
    for folder in (old, fresh):
        folder.mkdir()
    os.utime(old, (0, 0))
    baked(sources[:1], tmp_path / "town.city")
    assert fresh.exists() and not old.exists()


def test_more_parts_than_files_may_be_open_are_joined_in_groups(sources, tmp_path, monkeypatch):
    sources += [district(tmp_path / "in", number) for number in (7, 8)]
    baked(sources, tmp_path / "once.city")
    monkeypatch.setattr(baking, "parts_at_once", lambda: 2)
    result = baked(sources, tmp_path / "groups.city")
    one, other = (open_store(tmp_path / name) for name in ("once.city", "groups.city"))
    assert result.parts == 7 and len(other.city.objects) == len(one.city.objects) == 42
    assert [len(store.city.tiles) for store in (one, other)] == [len(one.city.tiles)] * 2
    assert other.city.objects.ids.tolist() != [] and len(set(other.city.objects.ids.tolist())) == 42
    volumes = [np.sort(store.ready["measures.volume_m3"]) for store in (one, other)]
    np.testing.assert_array_equal(*volumes)
    assert one.report.seconds >= 0 and one.report.source == "once.city" and other.report.source == "groups.city"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["groups.city", "in", "once.city"]


def test_the_number_of_parts_at_once_follows_the_limit_of_open_files(monkeypatch):
    resource = pytest.importorskip("resource", reason="this system has no such limit")
    for soft, hard, expected in ((1024, 1024, 7), (1024, 4096, 38), (1024, 10**6, 500), (100, 100, 2)):
        limit = [soft, hard]
        monkeypatch.setattr(resource, "getrlimit", lambda which, limit=limit: tuple(limit))
        monkeypatch.setattr(resource, "setrlimit", lambda which, new, limit=limit: limit.__setitem__(0, new[0]))
        assert baking.parts_at_once() == expected


def test_as_many_sources_are_read_at_once_as_memory_allows(tmp_path):
    def of(name: str, size: int) -> Path:
        path = tmp_path / name
        with path.open("wb") as file:
            file.truncate(size)
        return path

    small, large, packed = of("a.gml", 1_000_000), of("b.gml", 300_000_000), of("c.zip", 20_000_000)
    assert workers_for([small] * 10, cores=4, memory=8 << 30) == 4
    assert workers_for([small], cores=4, memory=8 << 30) == 1
    assert workers_for([large, small, large, large], cores=4, memory=8 << 30) == 2
    assert workers_for([packed] * 5, cores=4, memory=8 << 30) == 3
    assert workers_for([large] * 5, cores=4, memory=1 << 30) == 1
    assert workers_for([tmp_path / "none"], cores=4, memory=1 << 30) == 1


def test_jobs_are_plain_values_that_go_anywhere(sources, tmp_path):
    import pickle

    job = Order(sources, tmp_path / "x.city").job(sources[0], Frame("EPSG:25832", (1.0, 2.0, 3.0), "DHHN2016"))
    again = pickle.loads(pickle.dumps(job))  # noqa: S301
    assert again == job and again.store == job.store and again.frame.vertical_crs == "DHHN2016"
