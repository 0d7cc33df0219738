"""Whether this computer can draw with VTK, found out in a child process, because a broken driver ends the
process that asks it. The parent never loads VTK and never crashes; nothing is written to disk.

As a program (``python -m viewer.scene.probe``, or ``PROGRAM --probe`` in a frozen bundle, whose start script
must hand that switch to ``main`` here before anything else) it draws a triangle, reads its pixels back and
prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

#: The switch a frozen program understands; see the text above.
PROBE_SWITCH = "--probe"
#: What VTK needs at least.
OLDEST_OPENGL = (3, 2)
_SIZE = 64
_COLOR = (230, 120, 40)
_TAIL_BYTES = 4000
_ANSWER_BYTES = 65_536
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader", "software", "gdi generic", "basic render", "warp")

#: From the graphics card down to a picture made in memory alone. The last needs the system's OSMesa library.
_LADDER: tuple[dict[str, str], ...] = (
    {},
    {"LIBGL_ALWAYS_SOFTWARE": "1", "GALLIUM_DRIVER": "llvmpipe", "QT_OPENGL": "software"},
    {"LIBGL_ALWAYS_SOFTWARE": "1", "VTK_DEFAULT_OPENGL_WINDOW": "vtkOSOpenGLRenderWindow"},
)


@dataclass(frozen=True, slots=True)
class GraphicsReport:
    """What came of a try to draw.

    works : a triangle was drawn and its pixels were right. renderer, version : what OpenGL says of itself.
    software : pictures are made by the processor. window : VTK's class of window.
    reason_text, reason_values : why nothing can be drawn, a template (also the key of its translation).
    environment : the variables set for this try, beyond those of this process.
    """

    works: bool
    renderer: str = ""
    version: str = ""
    software: bool = False
    window: str = ""
    reason_text: str = ""
    reason_values: tuple[tuple[str, str], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def reason(self) -> str:
        """Why nothing can be drawn, as an English sentence; "" where it works."""
        return self.reason_text.format(**dict(self.reason_values)) if self.reason_values else self.reason_text

    @property
    def on_screen(self) -> bool:
        """Whether a window can show it directly; otherwise finished pictures are shown."""
        return self.works and not self.window.startswith("vtkOS")


# -- in the parent ---------------------------------------------------------------------------------------


def probe(
    timeout_s: float = 20.0, *, environment: Mapping[str, str] | None = None, command: Sequence[str] | None = None
) -> GraphicsReport:
    """Draw a test picture in a child process.

    Parameters
    ----------
    timeout_s : how long to wait for it, seconds; then it is ended and counts as not working.
    environment : variables to set for this try, see ``fallback_environment``.
    command : what to start instead of our own probe.
    """
    extra = dict(environment or {})
    report = _run_child(list(command) if command is not None else _command(), extra, timeout_s)
    return replace(report, environment=tuple(sorted(extra.items())))


def fallback_environment(report: GraphicsReport) -> dict[str, str]:
    """The variables for the next step down after a failed try; empty if it worked or no step is left."""
    if report.works:
        return {}
    tried = dict(report.environment)
    steps = [dict(step) for step in _LADDER]
    place = steps.index(tried) if tried in steps else 0
    return steps[place + 1] if place + 1 < len(steps) else {}


def probe_all(timeout_s: float = 20.0) -> GraphicsReport:
    """Step down until something works. The answer's ``environment`` is to be set before VTK is loaded; if
    nothing works it is the report of the first try, with its reason."""
    first = report = probe(timeout_s)
    while not report.works and (step := fallback_environment(report)):
        report = probe(timeout_s, environment=step)
    return report if report.works else first


def _command() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable, PROBE_SWITCH]
    return [sys.executable, "-m", "viewer.scene.probe"]


def _run_child(command: list[str], extra: dict[str, str], timeout_s: float) -> GraphicsReport:
    """Run the child on files, not pipes: a child that cannot even be ended must not hold us up."""
    root = Path(__file__).resolve().parents[2]
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8", **extra}
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    folder = str(root) if root.is_dir() else None
    try:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, cwd=folder, creationflags=flags
            )
            if not _wait(child, timeout_s):
                return _failed("The graphics driver did not answer within {seconds} seconds.", seconds=f"{timeout_s:g}")
            return _understand(child.returncode, _head(out), _tail(err))
    except OSError as error:
        return _failed("The test of the graphics could not be started: {reason}.", reason=error.strerror or str(error))


def _wait(child: subprocess.Popen[bytes], timeout_s: float) -> bool:
    """Whether the child ended by itself; ends it if not."""
    try:
        child.wait(timeout_s)
        return True
    except subprocess.TimeoutExpired:
        child.kill()
    try:
        child.wait(2.0)
    except subprocess.TimeoutExpired:  # stuck inside the driver, where no signal reaches it
        return False
    return False


def _head(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(_ANSWER_BYTES).decode("utf-8", "replace")


def _tail(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _TAIL_BYTES, 0))
    return file.read().decode("utf-8", "replace")


def _understand(code: int, answer: str, complaints: str) -> GraphicsReport:
    """The child's exit code, answer and complaints as a report."""
    said = _last_sentence(complaints)
    if code < 0 or code in (0xC0000005, 0xC000001D, 0xC0000409, 0xC0000374, 132, 134, 136, 139):
        if said:
            return _failed("The graphics driver ended the program while drawing ({detail}).", detail=said)
        return _failed("The graphics driver ended the program while drawing.")
    facts = _facts(answer)
    if facts is None:
        if said:
            return _failed("The test of the graphics gave no usable answer ({detail}).", detail=said)
        return _failed("The test of the graphics gave no usable answer.")
    renderer, version = str(facts.get("renderer", "")), str(facts.get("version", ""))
    window = str(facts.get("window", ""))
    software = any(word in renderer.lower() for word in _SOFTWARE)
    known = GraphicsReport(False, renderer[:200], version[:200], software, window[:100])
    if facts.get("missing"):
        return replace(
            known,
            reason_text="A library that drawing needs is missing: {detail}.",
            reason_values=(("detail", _clean(str(facts["missing"])).rstrip(".")),),
        )
    number = re.match(r"\s*(\d+)\.(\d+)", version)
    if number and (int(number[1]), int(number[2])) < OLDEST_OPENGL:
        return replace(
            known,
            reason_text="The graphics driver offers OpenGL {version}; 3.2 or newer is needed.",
            reason_values=(("version", f"{number[1]}.{number[2]}"),),
        )
    if facts.get("drawn") is not True:
        if said:
            return replace(
                known,
                reason_text="The test picture came out wrong ({detail}).",
                reason_values=(("detail", said),),
            )
        return replace(known, reason_text="The test picture came out wrong.")
    return replace(known, works=True)


def _facts(answer: str) -> dict[str, object] | None:
    """The last line that is a JSON object; None if there is none."""
    for line in reversed(answer.splitlines()):
        try:
            facts = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(facts, dict):
            return facts
    return None


def _last_sentence(complaints: str) -> str:
    """The last line of what the child complained about, short and on one line; "" if it said nothing."""
    lines = [text for line in complaints.splitlines() if (text := _clean(line))]
    return lines[-1].rstrip(".") if lines else ""


def _clean(text: str) -> str:
    """Printable characters only; without the time and place VTK puts before its messages."""
    text = "".join(c if c.isprintable() else " " for c in text).strip()
    text = re.sub(r"^.*?\b(ERR|WARN|INFO)\|\s*", "", text)
    text = re.sub(r"^vtk\w+ \(0x[0-9a-f]+\):\s*", "", text)
    text = re.sub(r"\s*\[0m$", "", text)
    return text if len(text) <= 200 else text[:199] + "…"


def _failed(text: str, **values: str) -> GraphicsReport:
    return GraphicsReport(False, reason_text=text, reason_values=tuple(values.items()))


# -- in the child ----------------------------------------------------------------------------------------


def main() -> int:
    """Draw, then print one line of JSON; what drivers print themselves goes to standard error."""
    answer = os.dup(1)
    os.dup2(2, 1)
    try:
        facts = draw_triangle()
    except ImportError as error:
        facts = {"missing": str(error)}
    with os.fdopen(answer, "w", encoding="utf-8") as out:
        out.write(json.dumps(facts) + "\n")
        out.flush()
    os._exit(0)  # some drivers crash while they are unloaded; the answer is given already


def draw_triangle() -> dict[str, object]:
    """Draw a triangle off screen and compare pixels: drawn, renderer, version, window. Loads VTK."""
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  (brings the drawing itself)
    from vtkmodules.vtkCommonCore import vtkPoints, vtkUnsignedCharArray
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer, vtkRenderWindow

    points, cells, data = vtkPoints(), vtkCellArray(), vtkPolyData()
    for place in ((-1, -1, 0), (1, -1, 0), (0, 1, 0)):
        points.InsertNextPoint(place)
    cells.InsertNextCell(3, (0, 1, 2))
    data.SetPoints(points)
    data.SetPolys(cells)
    mapper, actor, renderer, window = vtkPolyDataMapper(), vtkActor(), vtkRenderer(), vtkRenderWindow()
    mapper.SetInputData(data)
    actor.SetMapper(mapper)
    actor.property.lighting = False
    actor.property.color = tuple(c / 255 for c in _COLOR)
    renderer.AddActor(actor)
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(_SIZE, _SIZE)
    window.AddRenderer(renderer)
    renderer.ResetCamera()
    window.Render()
    pixels = vtkUnsignedCharArray()
    window.GetPixelData(0, 0, _SIZE - 1, _SIZE - 1, 0, pixels, 0)
    middle, corner = (_SIZE // 2) * (_SIZE + 1), _SIZE * _SIZE - 1
    drawn = pixels.GetNumberOfTuples() == _SIZE * _SIZE and _near(pixels.GetTuple3(middle), _COLOR)
    drawn = drawn and _near(pixels.GetTuple3(corner), (0, 0, 0))
    told = window.ReportCapabilities() or ""
    return {
        "drawn": drawn,
        "renderer": _capability(told, "renderer"),
        "version": _capability(told, "version"),
        "window": window.GetClassName(),
    }


def _near(pixel: Sequence[float], wanted: Sequence[int]) -> bool:
    return all(abs(a - b) <= 4 for a, b in zip(pixel, wanted, strict=True))


def _capability(told: str, name: str) -> str:
    found = re.search(rf"OpenGL {name} string:\s*(.*)", told)
    return found[1].strip() if found else ""


if __name__ == "__main__":
    sys.exit(main())
