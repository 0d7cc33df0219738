"""Pictures that a city's file names for its surfaces: where they lie, and their pixels. Decoded by Pillow only.

A name never leads out of the folder or archive of the file, nothing is fetched from an address, and a picture that
asks for too much is left alone. What is made of the pixels stands elsewhere.
"""

from __future__ import annotations

import io
import struct
import zlib
from functools import lru_cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from viewer.errors import LimitError, ReadError
from viewer.plugin_api import ReadContext
from viewer.readers import limits
from viewer.readers.archive import Member

#: Stands between an archive and the name of a file in it.
INSIDE = "!/"
#: Largest picture that is decoded, pixels, and largest file of one, bytes.
MAX_PIXELS = 100_000_000
MAX_BYTES = 256 * limits.MEBI
#: Largest file that says where a picture lies, bytes.
_MOST_TEXT = 4096
#: Tags of a GeoTIFF: a matrix, or size of pixels and a point of the map; and its keys, one of which says whether
#: places are those of pixels' middles.
_GEO_TAGS = (34264, 33550, 33922, 34735)
_RASTER_TYPE, _POINTS = 1025, 2
MISSING = (
    "Pictures of textures that are missing, damaged or outside the folder of the city, "
    "not shown: {count}, for example {example}"
)
_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP")
#: What Pillow raises for damaged pictures, by its kinds of files.
_DAMAGED = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, NotImplementedError,
    struct.error, zlib.error,
)  # fmt: skip


class PictureFinder:
    """Finds the pictures that one file names, and says once which are not to be had."""

    def __init__(self, path: Path, member: Member | None = None) -> None:
        """``member`` is the file inside the archive ``path``, None or of kind ``"plain"`` for a file of its own."""
        self._inside = PurePosixPath(member.name).parent if member is not None and member.kind == "zip" else None
        self._path = path
        self._folder = path.parent.resolve()
        self._known: dict[str, str] = {}
        self._lost: dict[str, None] = {}
        self._listed: dict[Path, dict[str, str]] = {}

    def find(self, name: str) -> str:
        """The picture as ``Appearance.textures`` keeps it, empty where it cannot be used; asked once per name."""
        name = name.strip()
        if name not in self._known:
            self._known[name] = self._search(name)
            if not self._known[name]:
                self._lost[name] = None
        return self._known[name]

    def world_file(self, name: str) -> NDArray[np.float64]:
        """The numbers of the world file beside a picture that ``find`` found, empty where there is none."""
        reference = self.find(name)
        kind = PurePosixPath(reference).suffix[1:].lower()
        endings = (f".{kind[0]}{kind[-1]}w", f".{kind}w", ".wld") if kind else (".wld",)
        for ending in (*endings, *(own.upper() for own in endings)) if reference else ():
            data = _file(self._beside(reference, ending), _MOST_TEXT)
            if data is None:
                continue
            try:
                text = data.read_bytes() if isinstance(data, Path) else data.getvalue()
                return np.array([float(word) for word in text.decode("utf-8-sig").split()])
            except (OSError, ValueError):
                continue
        return np.zeros(0)

    def _beside(self, reference: str, ending: str) -> str:
        """A file called like a picture, with another ending; empty where it leads out of the folder."""
        archive, inside, name = reference.partition(INSIDE)
        if inside:
            return f"{archive}{INSIDE}{PurePosixPath(name).with_suffix(ending)}"
        return self._in_folder(Path(reference).with_suffix(ending).relative_to(self._folder).parts)

    @property
    def lost(self) -> tuple[str, ...]:
        """Names of pictures that cannot be used, as written."""
        return tuple(self._lost)

    def _search(self, name: str) -> str:
        for spelled in dict.fromkeys((name, unquote(name))):
            parts = PurePosixPath(spelled.replace("\\", "/")).parts
            if not parts or ":" in parts[0] or parts[0] == "/" or ".." in parts or "\0" in spelled:
                continue
            found = self._in_folder(parts) if self._inside is None else self._in_archive(parts)
            if found and size_of(found) is not None:
                return found
        return ""

    def _in_folder(self, parts: tuple[str, ...]) -> str:
        place = self._folder
        for part in parts:
            here = place / part
            if not here.exists():
                here = place / self._listing(place).get(part.lower(), part)
            place = here
        try:
            whole = place.resolve()
        except (OSError, RuntimeError):
            return ""
        return str(whole) if whole.is_file() and whole.is_relative_to(self._folder) else ""

    def _listing(self, folder: Path) -> dict[str, str]:
        """Names in a folder by their lower case: files come from systems that do not tell them apart."""
        if folder not in self._listed:
            try:
                self._listed[folder] = {entry.name.lower(): entry.name for entry in folder.iterdir()}
            except OSError:
                self._listed[folder] = {}
        return self._listed[folder]

    def _in_archive(self, parts: tuple[str, ...]) -> str:
        assert self._inside is not None
        name = str(self._inside.joinpath(*parts))
        return f"{self._path.resolve()}{INSIDE}{name}"


def note_lost(names: tuple[str, ...], context: ReadContext) -> None:
    """Say how many pictures cannot be used, and which."""
    if names:
        context.warn(MISSING, where=names[:20], count=len(names), example=names[0])


def size_of(reference: str) -> tuple[int, int] | None:
    """Width and height of a picture, from its first bytes; None where it cannot be used."""
    from PIL import Image

    data = _file(reference)
    if data is None:
        return None
    try:
        with Image.open(data, formats=_FORMATS) as picture:
            width, height = picture.size
    except (*_DAMAGED, Image.DecompressionBombError):
        return None
    return (width, height) if 0 < width * height <= MAX_PIXELS else None


def map_place_of(reference: str) -> NDArray[np.float64]:
    """Where a GeoTIFF lies, as the six numbers of a world file; empty where it does not say."""
    from PIL import Image

    data = _file(reference)
    if data is None:
        return np.zeros(0)
    try:
        with Image.open(data, formats=("TIFF",)) as picture:
            tags = getattr(picture, "tag_v2", {})
            matrix, scale, tie, keys = (np.ravel(np.array(tags.get(tag, ()), float)) for tag in _GEO_TAGS)
    except (*_DAMAGED, Image.DecompressionBombError):
        return np.zeros(0)
    if len(matrix) != 16 and (len(scale) < 2 or len(tie) < 6):
        return np.zeros(0)
    if len(matrix) == 16:
        a, b, x, d, e, y = matrix[[0, 1, 3, 4, 5, 7]]
    else:
        a, b, d, e = scale[0], 0.0, 0.0, -scale[1]
        x, y = tie[3] - tie[0] * a, tie[4] - tie[1] * e
    entries = keys[: len(keys) // 4 * 4].reshape(-1, 4)
    of_points = bool(((entries[:, 0] == _RASTER_TYPE) & (entries[:, 3] == _POINTS)).any())
    half = 0.0 if of_points else 0.5  # else the place is that of a corner of the first pixel
    with np.errstate(all="ignore"):
        return np.array([a, d, b, e, x + half * (a + b), y + half * (d + e)])


def pixels_of(reference: str, size: tuple[int, int]) -> NDArray[np.uint8] | None:
    """A picture scaled to ``size`` (width, height): (height, width, 3) uint8, first row on top; None if damaged.

    A picture with see-through parts has a fourth column, their opacity; their colour is the mean of the rest.
    Safe to call in several threads, which decode at the same time.
    """
    from PIL import Image

    data = _file(reference)
    if data is None:
        return None
    try:
        with Image.open(data, formats=_FORMATS) as picture:
            if not 0 < picture.size[0] * picture.size[1] <= MAX_PIXELS:
                return None
            picture.draft("RGB", size)  # a JPEG is decoded at half or a quarter of its size where that is enough
            clear = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
            drawn: Image.Image = picture.convert("RGBA" if clear else "RGB")
            if drawn.size != size:
                drawn = drawn.resize(size, Image.Resampling.BOX if _smaller(size, drawn.size) else _LINEAR)
            pixels = np.array(drawn, dtype=np.uint8)
    except (*_DAMAGED, Image.DecompressionBombError, MemoryError):
        return None
    return _filled(pixels) if clear else pixels


def _filled(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, w, 4) with the mean colour where nothing is seen; (h, w, 3) where everything is."""
    seen = pixels[..., 3] >= _SEEN
    if (pixels[..., 3] == 255).all() or not seen.any():
        return np.ascontiguousarray(pixels[..., :3])
    pixels[~seen, :3] = np.round(pixels[seen, :3].mean(axis=0)).astype(np.uint8)
    return pixels


#: Opacity from which on a pixel is seen.
_SEEN = 64
_LINEAR = 2  # Pillow's bilinear filter, by number, so that Pillow is loaded only when there is a picture


def _smaller(size: tuple[int, int], than: tuple[int, int]) -> bool:
    return size[0] <= than[0] and size[1] <= than[1]


def _file(reference: str, most: int = 0) -> Path | io.BytesIO | None:
    """The file of a picture, or its bytes where it lies in an archive; None where it cannot be read or is too large."""
    archive, inside, name = reference.partition(INSIDE)
    most = most or MAX_BYTES
    try:
        if not inside:
            path = Path(reference)
            return path if path.is_file() and path.stat().st_size <= most else None
        data = _unpacked(archive, name)
        return io.BytesIO(data) if len(data) <= most else None
    except (OSError, KeyError, ValueError, ReadError, LimitError, zlib.error):
        return None


@lru_cache(maxsize=8)
def _unpacked(archive: str, name: str) -> bytes:
    with Member(Path(archive), name, 0, "zip").open() as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise LimitError("{what} is larger than {limit} MB, the limit for safe reading.", path=archive, what=name,
                         limit=f"{MAX_BYTES // limits.MEBI:,}")  # fmt: skip
    return data
