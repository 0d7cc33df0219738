"""Whatever a plugin in this process does wrong, it is named and the program goes on.

An endless loop, a runaway of memory, a segmentation fault and ``os._exit`` cannot be caught in one
process; the watch-dog's part in them is tested in ``test_memory.py``.
"""

from __future__ import annotations

import decimal
import errno
import locale
import logging
import os
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from tests.readers.mutants import cityjson_seeds
from viewer.city import Frame
from viewer.errors import Cancelled, OutOfMemoryError, PluginError, ReadError, ViewerError
from viewer.plugin_api import Progress, ReadContext
from viewer.plugin_host import PluginHost, PluginState

MANIFEST = """
id = "{id}"
title = "Test plugin {id}"
version = "1.0"
api = 1
[[readers]]
title = "Things"
patterns = ["*.thing"]
call = "{id}:read"
"""


def write_plugin(folder: Path, code: str, *, plugin_id: str = "hostile", manifest: str = MANIFEST) -> Path:
    plugin = folder / plugin_id
    plugin.mkdir(parents=True)
    (plugin / "plugin.toml").write_text(manifest.format(id=plugin_id), encoding="utf-8")
    (plugin / f"{plugin_id}.py").write_text(code, encoding="utf-8")
    return plugin


def make_host(folder: Path, state: Path | None = None) -> PluginHost:
    return PluginHost([folder], state_path=state, own_readers=False, packages=False)


@pytest.fixture
def thing(tmp_path: Path) -> Path:
    path = tmp_path / "a.thing"
    path.write_text("something", encoding="utf-8")
    return path


def only(host: PluginHost):
    (info,) = host.plugins
    return info


GOOD = """
import numpy as np
from viewer.plugin_api import PointLayer

def read(path, context):
    return PointLayer("Points", np.array([[1.0, 2.0, np.nan]]), attributes={"value": np.array([3])})
"""


def test_a_good_plugin_reads_its_file(tmp_path, thing):
    write_plugin(tmp_path / "p", GOOD)
    host = make_host(tmp_path / "p")
    reading = host.read(thing, ReadContext())
    assert reading.reader == "hostile:Things"
    assert reading.report.objects == {"Point": 1}
    assert reading.layers[0].attributes["value"].tolist() == [3.0]


@pytest.mark.parametrize(
    ("manifest", "part_of_reason"),
    [
        ("id = ", "not valid TOML"),
        ('title = "No id"\nversion = "1"\napi = 1\n', "id"),
        ('id = "Bad Id"\ntitle = "T"\nversion = "1"\napi = 1\n', "not usable"),
        ('id = "hostile"\ntitle = "T"\nversion = "1"\napi = 1\n', "neither readers"),
        ('id = "hostile"\ntitle = "T"\nversion = "1"\napi = "one"\n', "api"),
        (MANIFEST.format(id="hostile") + 'colour = "red"\n', "unknown entry 'colour'"),
        (MANIFEST.format(id="hostile").replace("hostile:read", "os.system"), "no function"),
        (MANIFEST.format(id="hostile").replace('["*.thing"]', '"*.thing"'), "patterns"),
        (MANIFEST.format(id="hostile").replace("hostile:read", "gone:read"), "gone.py is missing"),
        ("# " + "x" * 70_000, "larger than 64 kB"),
    ],
)
def test_a_broken_manifest_is_listed_with_its_reason(tmp_path, manifest, part_of_reason):
    plugin = write_plugin(tmp_path / "p", GOOD)
    (plugin / "plugin.toml").write_text(manifest, encoding="utf-8")
    info = only(make_host(tmp_path / "p"))
    assert info.state is PluginState.FAILED
    assert part_of_reason in info.reason_text
    assert info.id


def test_a_half_deleted_plugin_without_manifest_is_listed(tmp_path):
    plugin = write_plugin(tmp_path / "p", GOOD)
    (plugin / "plugin.toml").unlink()
    info = only(make_host(tmp_path / "p"))
    assert (info.id, info.state) == ("hostile", PluginState.FAILED)


def test_a_plugin_for_another_contract_is_incompatible(tmp_path, thing):
    write_plugin(tmp_path / "p", GOOD, manifest=MANIFEST.replace("api = 1", "api = 99"))
    host = make_host(tmp_path / "p")
    assert only(host).state is PluginState.INCOMPATIBLE
    assert "99" in only(host).reason_text
    with pytest.raises(PluginError, match="99"):
        host.read(thing, ReadContext(), reader="hostile")


def test_listing_plugins_imports_nothing_of_them(tmp_path):
    write_plugin(tmp_path / "p", "raise SystemExit('imported')")
    before = set(sys.modules)
    assert only(make_host(tmp_path / "p")).ready
    assert not [name for name in set(sys.modules) - before if "hostile" in name]


@pytest.mark.parametrize("code", ["1/0", "def read(:", "raise SystemExit(3)", "import sys; sys.exit()"])
def test_an_import_error_fails_the_plugin_and_leaves_no_module(tmp_path, thing, code):
    write_plugin(tmp_path / "p", code)
    host = make_host(tmp_path / "p")
    with pytest.raises(PluginError, match="Test plugin hostile"):
        host.read(thing, ReadContext())
    assert only(host).state is PluginState.FAILED
    assert not [name for name in sys.modules if "hostile" in name and name.startswith("_stadtforum")]
    assert host.log("hostile")


def test_a_repaired_plugin_works_after_a_rescan(tmp_path, thing):
    plugin = write_plugin(tmp_path / "p", "1/0")
    host = make_host(tmp_path / "p")
    with pytest.raises(PluginError):
        host.read(thing, ReadContext())
    (plugin / "hostile.py").write_text(GOOD + "\n# repaired\n", encoding="utf-8")
    host.rescan()
    assert len(host.read(thing, ReadContext()).layers) == 1


def test_a_missing_package_is_named_before_and_after_import(tmp_path, thing):
    declared = MANIFEST.replace("api = 1", 'api = 1\nrequires = ["no_such_package_xyz"]')
    write_plugin(tmp_path / "p", GOOD, manifest=declared)
    info = only(make_host(tmp_path / "p"))
    assert info.state is PluginState.FAILED
    assert "no_such_package_xyz" in info.reason_text
    assert "pip install" in info.hint

    write_plugin(tmp_path / "q", "import no_such_package_abc.part")
    host = make_host(tmp_path / "q")
    with pytest.raises(PluginError, match="needs the package no_such_package_abc"):
        host.read(thing, ReadContext())


@pytest.mark.parametrize(
    "body",
    ["return 1 / 0", "raise SystemExit(1)", "raise MemoryError", "return read(path, context)", "raise KeyError('{x}')"],
)
def test_an_exception_becomes_one_sentence_that_names_the_plugin(tmp_path, thing, body):
    write_plugin(tmp_path / "p", f"def read(path, context):\n    {body}\n")
    host = make_host(tmp_path / "p")
    with pytest.raises(PluginError) as caught:
        host.read(thing, ReadContext())
    assert "Test plugin hostile" in str(caught.value)
    assert only(host).ready  # one failure does not switch it off
    assert "Traceback" in host.log("hostile")[0]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("no room for an array"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("can't start new thread"),
        ImportError("a.so: failed to map segment from shared object"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_too_little_memory_is_no_fault_of_our_own_readers_and_names_the_file(tmp_path, monkeypatch, error):
    path = tmp_path / "large.city.json"
    path.write_bytes(cityjson_seeds()[0])
    host = PluginHost([], packages=False)

    def read(path: Path, context: ReadContext) -> None:
        raise error

    monkeypatch.setattr("viewer.readers.cityjson.read_cityjson", read)
    with pytest.raises(OutOfMemoryError, match="too little free memory") as caught:
        host.read(path, ReadContext())
    assert caught.value.path == path
    assert caught.value.__cause__ is caught.value.__context__ is None  # it would keep what was half read
    monkeypatch.undo()
    host.rescan()
    assert host.read(path, ReadContext()).city is not None


def test_a_file_that_cannot_be_mapped_for_lack_of_memory_is_not_called_damaged(tmp_path, monkeypatch):
    path = tmp_path / "large.city.json"
    path.write_bytes(cityjson_seeds()[0])

    def read(path: Path, context: ReadContext) -> None:
        raise ReadError("The file is damaged or incomplete.") from OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr("viewer.readers.cityjson.read_cityjson", read)
    with pytest.raises(OutOfMemoryError):
        PluginHost([], packages=False).read(path, ReadContext())


def test_errors_a_person_can_act_on_pass_through(tmp_path, thing):
    code = "from viewer.plugin_api import ReadError\ndef read(path, context):\n    raise ReadError('No {n}.', n=3)\n"
    write_plugin(tmp_path / "p", code)
    with pytest.raises(ReadError, match=r"No 3\."):
        make_host(tmp_path / "p").read(thing, ReadContext())


def test_cancelling_passes_through(tmp_path, thing):
    write_plugin(tmp_path / "p", "def read(path, context):\n    context.progress.report(0.5)\n")
    context = ReadContext(progress=Progress(is_cancelled=lambda: True))
    with pytest.raises(Cancelled):
        make_host(tmp_path / "p").read(thing, context)


@pytest.mark.parametrize(
    "result",
    [
        "None",
        "'text'",
        "42",
        "[object()]",
        "Layer('bare')",
        "PointLayer('p', [[1, 2, 3]])",
        "PointLayer('p', np.zeros((2, 3)), attributes={'a': np.zeros(3)})",
        "PointLayer('p', np.array([['a', 'b', 'c']]))",
        "AreaLayer('a', np.zeros((4, 2)), np.array([0, 99]), np.array([0, 1]), np.array([0]), 1)",
        "TreeLayer('t', np.zeros((2, 3)), np.ones(1, 'f4'), np.ones(2, 'f4'), np.zeros(2, bool))",
        "ImageLayer('i', np.zeros((4, 4, 3), np.uint8), np.zeros((4, 2)))",
        "PointLayer('p', np.zeros((2, 3)), attributes=None)",
    ],
)
def test_a_wrong_result_becomes_a_sentence(tmp_path, thing, result):
    write_plugin(
        tmp_path / "p",
        f"import numpy as np\nfrom viewer.plugin_api import *\ndef read(path, context):\n    return {result}\n",
    )
    with pytest.raises(PluginError, match="Test plugin hostile"):
        make_host(tmp_path / "p").read(thing, ReadContext())


def test_places_that_are_no_numbers_are_dropped_and_counted(tmp_path, thing):
    write_plugin(
        tmp_path / "p",
        "import numpy as np\nfrom viewer.plugin_api import PointLayer\ndef read(path, context):\n"
        "    return PointLayer('p', np.array([[1.0, 2, 3], [np.nan, 2, 3], [np.inf, 2, 3]]))\n",
    )
    reading = make_host(tmp_path / "p").read(thing, ReadContext())
    assert len(reading.layers[0]) == 1
    assert [issue.count for issue in reading.report.issues] == [2]


def test_huge_output_is_refused_with_the_limit(tmp_path, thing):
    write_plugin(
        tmp_path / "p",
        "import numpy as np\nfrom viewer.plugin_api import PointLayer\ndef read(path, context):\n"
        "    return PointLayer('p', np.broadcast_to(np.zeros((1, 3)), (50_000_000, 3)))\n",
    )
    with pytest.raises(ReadError, match="5000000"):
        make_host(tmp_path / "p").read(thing, ReadContext())


CHANGES = """
import decimal, locale, logging, os, sys, threading, warnings
import numpy as np
from viewer.plugin_api import PointLayer

def read(path, context):
    os.chdir(path.parent)
    os.environ["STADTFORUM_TEST_VARIABLE"] = "1"
    sys.path.insert(0, "/somewhere")
    sys.setrecursionlimit(5000)
    warnings.simplefilter("ignore")
    np.seterr(all="raise")
    decimal.getcontext().prec = 3
    locale.setlocale(locale.LC_ALL, "C.UTF-8" if locale.setlocale(locale.LC_ALL) == "C" else "C")
    logging.disable(logging.CRITICAL)
    sys.stdout = None
    threading.excepthook = print
    return PointLayer("Points", np.array([[1.0, 2.0, np.nan]]))
"""


def test_changed_global_state_is_put_back(tmp_path, thing):
    write_plugin(tmp_path / "p", CHANGES)

    def picture():
        return (
            Path.cwd(), dict(os.environ), list(sys.path), sys.getrecursionlimit(), list(warnings.filters),
            np.geterr(), decimal.getcontext().prec, locale.setlocale(locale.LC_ALL), logging.root.manager.disable,
            sys.stdout, threading.excepthook,
        )  # fmt: skip

    before = picture()
    make_host(tmp_path / "p").read(thing, ReadContext())
    assert picture() == before


def test_the_same_module_name_in_two_plugins_does_not_collide(tmp_path, thing):
    for name, value in (("one", 1), ("two", 2)):
        plugin = write_plugin(
            tmp_path / "p", GOOD.replace("[3]", "[VALUE]") + "from .shared import VALUE\n", plugin_id=name
        )
        (plugin / "shared.py").write_text(f"VALUE = {value}\n", encoding="utf-8")
    host = make_host(tmp_path / "p")
    values = [host.read(thing, ReadContext(), reader=n).layers[0].attributes["value"][0] for n in ("one", "two")]
    assert values == [1.0, 2.0]
    assert "shared" not in sys.modules


def test_a_second_plugin_of_the_same_id_does_not_replace_the_first(tmp_path):
    write_plugin(tmp_path / "p", GOOD)
    write_plugin(tmp_path / "q", GOOD)
    host = PluginHost([tmp_path / "p", tmp_path / "q"], own_readers=False, packages=False)
    assert [info.state for info in host.plugins] == [PluginState.READY, PluginState.FAILED]
    assert "already has the id" in host.plugins[1].reason_text


def test_a_wrong_template_in_a_warning_is_shown_verbatim(tmp_path, thing):
    write_plugin(tmp_path / "p", GOOD.replace("    return", "    context.warn('{nothing} is {wrong')\n    return"))
    reading = make_host(tmp_path / "p").read(thing, ReadContext())
    assert [str(issue) for issue in reading.report.issues] == ["{nothing} is {wrong"]


def test_a_leftover_thread_does_not_keep_the_program_from_going_on(tmp_path, thing):
    code = GOOD.replace(
        "    return", "    import threading\n    threading.Thread(target=GO.wait, daemon=True).start()\n    return"
    )
    write_plugin(tmp_path / "p", "import threading\nGO = threading.Event()\n" + code)
    host = make_host(tmp_path / "p")
    host.read(thing, ReadContext())
    assert len(host.read(thing, ReadContext()).layers) == 1
    sys.modules["_stadtforum_plugin_hostile.hostile"].GO.set()


@pytest.mark.parametrize("answer", ["1/0", "'much'", "float('nan')", "None"])
def test_a_failing_sniffer_only_ranks_its_reader_lower(tmp_path, thing, answer):
    manifest = MANIFEST + 'sniff = "{id}:sniff"\n'
    write_plugin(tmp_path / "p", GOOD + f"\ndef sniff(path, head):\n    return {answer}\n", manifest=manifest)
    write_plugin(tmp_path / "p", GOOD, plugin_id="other")
    candidates = make_host(tmp_path / "p").readers_for(thing)
    assert candidates[0].plugin_id == "other"


def test_a_layer_far_from_the_city_is_noted(tmp_path, thing):
    write_plugin(tmp_path / "p", GOOD.replace("[[1.0, 2.0, np.nan]]", "[[900_000.0, 2.0, np.nan]]"))
    context = ReadContext(
        frame=Frame("EPSG:25832", (5e5, 5.9e6, 0)), city_extent_local=np.array([[0.0, 0, 0], [100_000, 100, 50]])
    )
    reading = make_host(tmp_path / "p").read(thing, context)
    assert "800 km away" in str(reading.report.issues[0])


@pytest.mark.parametrize("name", ["nowhere.thing", "."])
def test_what_is_no_file_is_refused_with_a_sentence(tmp_path, name):
    write_plugin(tmp_path / "p", GOOD)
    with pytest.raises(ReadError):
        make_host(tmp_path / "p").read(tmp_path / name, ReadContext())


@pytest.mark.parametrize("name", ["/vsicurl/http://example.org/a.thing", "http://example.org/a.thing"])
def test_nothing_outside_this_computer_is_opened(tmp_path, name):
    with pytest.raises(ReadError, match="on this computer"):
        make_host(tmp_path).read(Path(name), ReadContext())


def test_a_file_nobody_takes_is_refused_with_what_is_taken(tmp_path):
    write_plugin(tmp_path / "p", GOOD)
    other = tmp_path / "letter.doc"
    other.write_text("x", encoding="utf-8")
    with pytest.raises(ViewerError) as caught:
        make_host(tmp_path / "p").read(other, ReadContext())
    assert "*.thing" in str(caught.value)
