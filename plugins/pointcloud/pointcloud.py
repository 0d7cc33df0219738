"""Point clouds from LAS, LAZ and COPC files: prepared once by a helper process, then loaded as far as looked at."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from viewer.plugin_api import ReadContext, ReadError, StreamedLayer, prepared, run_helper

from .cloud import open_cloud
from .header import Header, read_header

#: Points that are kept; a larger cloud is thinned evenly.
MOST_POINTS = 40_000_000
#: Bytes of memory the helper may take per point, and beside them; seconds per million points, and at least.
_BYTES_PER_POINT, _BYTES_FREE = 130, 1_500_000_000
_SECONDS_PER_MILLION, _SECONDS = 15.0, 120.0
_PREPARED = 2


def looks_like_points(path: Path, head: bytes) -> float:
    """How sure this is a point cloud: by its first bytes."""
    return 0.95 if head.startswith(b"LASF") else 0.0


def read_points(path: Path, context: ReadContext) -> StreamedLayer:
    """The cloud as a layer with levels of detail."""
    header = read_header(path)
    kind = "COPC" if header.copc else "LAZ" if header.packed else "LAS"
    context.facts["format"], context.facts["version"] = kind, header.version
    context.progress.report(0.02, "Reading the points")

    def make(folder: Path) -> None:
        job = {"path": str(path), "folder": str(folder), "count": header.count, "most": MOST_POINTS}
        points = min(header.count, MOST_POINTS)
        result = run_helper(
            Path(__file__).with_name("prepare.py"), job, context.progress, path=path,
            seconds=_SECONDS + _SECONDS_PER_MILLION * header.count / 1e6,
            memory_bytes=_BYTES_FREE + _BYTES_PER_POINT * points,
        )  # fmt: skip
        if result.get("trouble") == "far":
            raise ReadError("The points of this file lie too far apart for a city.", path=path)
        if "trouble" in result:
            raise ReadError("There are no points in this file that can be shown.", path=path)
        (folder / "facts.json").write_text(json.dumps(result), encoding="utf-8")

    folder = prepared("points", path, make, _PREPARED, MOST_POINTS)
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    # Where the points really are: headers are wrong about that, too.
    if not np.isfinite(context.place(np.array([facts["low"], facts["high"]])[:, :2], header.crs)).all():
        raise ReadError(
            "This point cloud has no place in the city's coordinate system.",
            hint="Check the coordinate system of the file.",
            path=path,
        )
    _tell(header, facts, context)
    return open_cloud(path.name.split(".")[0], folder, facts, header.crs, context)


def _tell(header: Header, facts: dict, context: ReadContext) -> None:
    if facts["broken"]:
        context.warn(
            "The point cloud breaks off after {seen} of {claimed} points; those are shown.",
            seen=facts["seen"], claimed=header.claimed,
        )  # fmt: skip
    elif facts["seen"] < header.claimed:
        context.warn(
            "The header claims {claimed} points; the file holds {seen}.", claimed=header.claimed, seen=facts["seen"]
        )
    if facts["step"] > 1:
        context.info("The cloud is large: every {n}th point is shown.", n=facts["step"])
    context.info("Points marked as noise or withheld, left out: {count}", count=facts["left_out"])
    context.info("{count} points are shown.", count=facts["points"])
