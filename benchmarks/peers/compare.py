"""Measures the other programs with the same town, window and views, beside what the viewer took in the same run."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.flight import pose_at
from benchmarks.peers.found import browser, f3d_python, missing
from benchmarks.processes import ROOT, child
from benchmarks.shapes import CRS, ORIGIN
from benchmarks.town_files import write_citygml, write_cityjson

Found = dict[str, Any]
#: Views of the flight every program draws, as long as it has time; any first few of them are all over the flight.
VIEWS, STRIDE, DRAWING_SECONDS = 12, 5, 45.0
#: VTK's reader takes a millisecond for each building.
LARGEST_VTK = 10_000
SECONDS = 900.0
_SIZE = {"width": 1280, "height": 800}
_HERE = Path(__file__).resolve().parent


def run(
    sizes: Sequence[int], folder: Path, peers_folder: Path, *, say: Callable[[str], None], pictures: Path | None = None
) -> list[Found]:
    """Rows ``peer``, ``what``, ``houses``, ``theirs``, ``ours``, ``unit``, ``ratio``, ``alike`` (false for files
    of different kinds); or ``peer``, ``skipped``.

    The viewer is measured again right beside the others, so that whatever else the machine does slows all of them.
    pictures : a folder for the last view of each, for looking at whether the same is drawn.
    """
    found: list[Found] = []
    skipped: set[tuple[str, str]] = set()
    for size in sizes:
        work = folder / f"peers-{size}"
        work.mkdir()
        cityjson = write_cityjson(work / "town.city.json", size)
        say(f"{size:,} buildings: the viewer beside others")
        if not found:  # its modules are compiled from now on, as those of an installed program are
            child("benchmarks.one_size", "open", str(cityjson))
        ours = _viewer(cityjson, work / "copies")
        for peer, title, measure in _peers(peers_folder, work, size, cityjson):
            reason = missing(peer, peers_folder) if peer != "vtk" else ""
            if reason:
                skipped.add((title, reason))
                continue
            say(f"{size:,} buildings: {title}")
            try:
                theirs = measure()
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                found.append({"peer": title, "skipped": f"{size:,} buildings: {str(error).strip()[-300:]}"})
                continue
            found += _rows(title, size, theirs, ours | theirs.get("viewer", {}))
            if pictures is not None:
                _keep_picture(work, pictures, peer, size)
        shutil.rmtree(work, ignore_errors=True)
    return found + [{"peer": title, "skipped": reason} for title, reason in sorted(skipped)]


def _peers(peers: Path, work: Path, size: int, cityjson: Path) -> list[tuple[str, str, Callable[[], Found]]]:
    """Kind, title and measurement of each program, with files made when they are first needed."""
    glb = work / "town.glb"

    def with_glb(measure: Callable[[Path], Found]) -> Found:
        if not glb.exists():
            _convert(cityjson, glb)
        return measure(glb)

    listed: list[tuple[str, str, Callable[[], Found]]] = []
    if size <= LARGEST_VTK:
        listed.append(("vtk", "vtkCityGMLReader", lambda: _vtk(work, size)))
    return [
        *listed,
        ("f3d", "F3D 3 (GLB)", lambda: with_glb(lambda file: _f3d(peers, work, file))),
        ("cesium", "CesiumJS (3D Tiles)", lambda: _cesium_tiles(peers, work, cityjson)),
        ("cesium", "CesiumJS (GLB)", lambda: with_glb(lambda file: _cesium(peers, work, file, _origin(file)))),
        ("cityjson", "cityjson-threejs-loader", lambda: _cityjson(peers, work, cityjson)),
    ]


def _viewer(path: Path, copies: Path, *, pictures: bool = True) -> Found:
    """What the viewer takes: openings without and with a prepared copy, pictures while moving and at rest."""
    first, second = (child("benchmarks.one_size", "open", str(path), "--copies", str(copies)) for _ in range(2))
    found = {"first": first["seconds"], "second": second["seconds"]}
    if not pictures:
        return found
    source = ("--file", str(path), "--copies", str(copies))
    drawn = child("benchmarks.one_size", "draw", *source, "--frames", "80", "--repeats", "2", "--no-floor")
    resting = statistics.median(statistics.median(view["ours"]) for view in drawn["views"])
    return found | {"moving": statistics.median(drawn["moving"]), "resting": resting}


def _same_file(path: Path) -> Found:
    """What the viewer takes to open the very file of the other program; the second time, when its modules are
    compiled as those of an installed program are."""
    return {"same": [child("benchmarks.one_size", "open", str(path))["seconds"] for _ in range(2)][1]}


def _rows(title: str, size: int, theirs: Found, ours: Found) -> list[Found]:
    """Rows of one program; if it opened another kind of file than ``ours``, its own was opened here too."""
    frame, other = statistics.median(theirs["frames"]), "same" in ours
    pairs = [
        *([("file to picture, both the same file", theirs["seconds"], "same", "s")] if other else []),
        (f"file to picture, ours first time{', from CityJSON' if other else ''}", theirs["seconds"], "first", "s"),
        ("file to picture, ours prepared", theirs["seconds"], "second", "s"),
        ("picture, ours moving", frame, "moving", "ms"),
        ("picture, ours at rest", frame, "resting", "ms"),
    ]
    return [
        {"peer": title, "what": what, "houses": size, "theirs": value, "ours": ours[key], "unit": unit,
         "ratio": value / ours[key], "alike": not (other and key == "first")}
        for what, value, key, unit in pairs
    ]  # fmt: skip


def _views() -> list[dict[str, Any]]:
    """Eye and target of every view, metres from the middle of the town, z up."""
    views = []
    for number in range(VIEWS):
        pose = pose_at((number * STRIDE % VIEWS) / (VIEWS - 1), (0.0, 0.0, 0.0))
        views.append({"eye": pose.position.tolist(), "target": list(pose.target), "angle": pose.view_angle_deg})
    return views


def _request(work: Path, **more: Any) -> Path:
    path = work / "request.json"
    wanted = {"size": _SIZE, "views": _views(), "place": ORIGIN, "patience": DRAWING_SECONDS} | more
    path.write_text(json.dumps(wanted), encoding="utf-8")
    return path


def _vtk(work: Path, size: int) -> Found:
    gml = write_citygml(work / "town.gml", size)
    found = child("benchmarks.peers.vtk_peer", str(gml), str(_request(work)), seconds=SECONDS)
    return found | {"viewer": _viewer(gml, work / "copies-gml", pictures=False)}


def _f3d(peers: Path, work: Path, glb: Path) -> Found:
    dx, dy, dz = _origin(glb)

    def turned(point: Sequence[float]) -> list[float]:
        """From metres around the middle of the town to the y-up frame of the file."""
        x, y, z = point[0] + dx, point[1] + dy, point[2] + dz
        return [x, z, -y]

    views = [{**view, "eye": turned(view["eye"]), "target": turned(view["target"])} for view in _views()]
    path = work / "views.json"
    path.write_text(json.dumps(views), encoding="utf-8")
    numbers = [str(_SIZE["width"]), str(_SIZE["height"]), str(DRAWING_SECONDS)]
    script = str(_HERE / "f3d_peer.py")
    command = [str(f3d_python(peers)), script, str(glb), str(path), *numbers, str(work / "f3d.png")]
    return _answer(command, work) | {"viewer": _same_file(glb)}


def _cityjson(peers: Path, work: Path, file: Path) -> Found:
    return _page(peers, work, "cityjson", file, _request(work))


def _cesium(peers: Path, work: Path, file: Path, shift: Sequence[float] = (0.0, 0.0, 0.0)) -> Found:
    from pyproj import Transformer

    longitude, latitude = Transformer.from_crs(CRS, "EPSG:4979", always_xy=True).transform(*ORIGIN[:2])
    degrees = [longitude, latitude, ORIGIN[2]]
    found = _page(peers, work, "cesium", file, _request(work, degrees=degrees, shift=[-d for d in shift]))
    return found | {"viewer": _same_file(file)}


def _cesium_tiles(peers: Path, work: Path, cityjson: Path) -> Found:
    out = work / "town.3dtiles"
    _convert(cityjson, out)
    return _cesium(peers, work, out / "tileset.json")


def _page(peers: Path, work: Path, page: str, data: Path, request: Path) -> Found:
    node, path = shutil.which("node"), browser()
    assert node is not None
    assert path is not None
    script = str(_HERE / "browser" / "run.mjs")
    return _answer([node, script, str(peers), page, str(data), str(request), path, str(work / f"{page}.png")], work)


def _answer(command: list[str], work: Path) -> Found:
    answer = subprocess.run(
        command, cwd=work, capture_output=True, text=True, encoding="utf-8", timeout=SECONDS, check=False
    )
    lines = [line for line in answer.stdout.splitlines() if line.startswith("{")]
    if answer.returncode != 0 or not lines:
        raise RuntimeError(answer.stderr.strip()[-600:] or f"it ended with {answer.returncode}")
    found = json.loads(lines[-1])
    assert isinstance(found, dict)
    return found


def _convert(source: Path, out: Path) -> None:
    command = [sys.executable, str(ROOT / "main.py"), "convert", str(source), str(out)]
    answer = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=SECONDS, check=False
    )
    if answer.returncode != 0:
        raise RuntimeError(f"convert: {answer.stderr.strip()[-300:]}")


def _origin(glb: Path) -> tuple[float, float, float]:
    """The middle of the town in the frame of a GLB file of ours, metres, z up."""
    with glb.open("rb") as file:
        head = file.read(20)
        document = json.loads(file.read(int.from_bytes(head[12:16], "little")))
    x, y, z = document["asset"]["extras"]["origin_crs"]
    return ORIGIN[0] - x, ORIGIN[1] - y, ORIGIN[2] - z


def _keep_picture(work: Path, pictures: Path, peer: str, size: int) -> None:
    made = work / f"{peer}.png"
    if made.exists():
        shutil.copyfile(made, pictures / f"{peer}-{size}.png")
