"""VTK's own CityGML reader and its actors: ``python -m benchmarks.peers.vtk_peer FILE REQUEST`` prints JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def main() -> int:
    """Read, draw the first picture, then every view; milliseconds until the driver says that each is done."""
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  registers the OpenGL classes
    from vtkmodules.vtkIOCityGML import vtkCityGMLReader
    from vtkmodules.vtkRenderingCore import vtkCompositePolyDataMapper, vtkRenderer, vtkRenderWindow

    path, request = sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    window = vtkRenderWindow()
    window.SetOffScreenRendering(True)
    window.SetSize(request["size"]["width"], request["size"]["height"])
    renderer = vtkRenderer()
    window.AddRenderer(renderer)
    window.Render()

    def draw(view: dict[str, Any]) -> None:
        camera = renderer.GetActiveCamera()
        camera.SetViewAngle(view["angle"])
        camera.SetPosition(*(a + b for a, b in zip(view["eye"], request["place"], strict=True)))
        camera.SetFocalPoint(*(a + b for a, b in zip(view["target"], request["place"], strict=True)))
        camera.SetViewUp(0, 0, 1)
        renderer.ResetCameraClippingRange()
        window.Render()
        window.WaitForCompletion()

    started = time.perf_counter()
    reader = vtkCityGMLReader()
    reader.SetFileName(path)
    reader.SetLOD(2)  # it looks for one level only, and would find nothing at its default
    reader.Update()
    assert reader.GetOutput().GetNumberOfBlocks() > 0, "VTK's reader read nothing, so its time means nothing"
    mapper = vtkCompositePolyDataMapper()
    mapper.SetInputDataObject(reader.GetOutput())
    from vtkmodules.vtkRenderingCore import vtkActor

    actor = vtkActor()
    actor.SetMapper(mapper)
    renderer.AddActor(actor)
    draw(request["views"][0])
    seconds = time.perf_counter() - started
    frames: list[float] = []
    for view in request["views"]:
        if len(frames) > 3 and sum(frames) > request["patience"] * 1000:
            break
        began = time.perf_counter()
        draw(view)
        frames.append((time.perf_counter() - began) * 1000)
    print(json.dumps({"seconds": seconds, "frames": frames}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
