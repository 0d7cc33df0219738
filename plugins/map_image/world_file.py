"""PNG and JPEG pictures with a world file: six numbers that say where the pixels lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from viewer.plugin_api import ReadContext, ReadError

from .picture import Picture, affine_corners, north_up, opened, to_rgba

_ENDINGS = {
    ".png": (".pgw", ".pngw", ".wld"),
    ".jpg": (".jgw", ".jpgw", ".wld"),
    ".jpeg": (".jgw", ".jpegw", ".jpgw", ".wld"),
    ".tif": (".tfw", ".tifw", ".wld"),
    ".tiff": (".tfw", ".tiffw", ".wld"),
}
_MAX_TEXT = 20_000


def find(path: Path) -> Path | None:
    """The world file beside a picture."""
    for ending in _ENDINGS.get(path.suffix.lower(), ()):
        for spelled in (ending, ending.upper()):
            beside = path.with_suffix(spelled)
            if beside.is_file():
                return beside
    return None


def read(path: Path, context: ReadContext) -> Picture:
    """The picture, placed by its world file."""
    beside = find(path)
    if beside is None:
        raise ReadError(
            "This picture has no place on the map.",
            hint="Put a world file beside it, for example {name}, or use a GeoTIFF.",
            path=path,
            name=path.with_suffix(_ENDINGS.get(path.suffix.lower(), (".wld",))[0]).name,
        )
    with opened(path, ("PNG", "JPEG"), path) as image:
        width, height = image.size
        context.facts["format"] = str(image.format)
        rgba = to_rgba(image)
    corners = affine_corners(matrix(beside), width, height)
    return north_up(Picture(rgba, corners, written_crs(path)))


def matrix(path: Path) -> np.ndarray:
    """(2, 3) from (column, row) of pixel edges to map coordinates.

    Raises
    ------
    ReadError
        These are not six numbers that span an area.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            numbers = [float(word.replace(",", ".")) for word in file.read(_MAX_TEXT).split()[:6]]
    except (OSError, ValueError) as error:
        raise ReadError("The world file {name} cannot be read.", path=path, name=path.name) from error
    if len(numbers) < 6 or not np.isfinite(numbers).all():
        raise ReadError("The world file {name} needs six numbers.", path=path, name=path.name)
    a, d, b, e, c, f = numbers
    if a * e - b * d == 0:
        raise ReadError("The world file {name} gives the picture no size.", path=path, name=path.name)
    return np.array([[a, b, c - a / 2 - b / 2], [d, e, f - d / 2 - e / 2]])


def written_crs(path: Path) -> str:
    """The coordinate system in a ``.prj`` file beside a picture, "" for none."""
    beside = path.with_suffix(".prj")
    try:
        return beside.read_text(encoding="utf-8")[:_MAX_TEXT] if beside.is_file() else ""
    except (OSError, UnicodeDecodeError):
        return ""
