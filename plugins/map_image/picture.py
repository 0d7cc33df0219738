"""A picture before it is placed, and the one way pictures are opened: by Pillow, within limits."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from viewer.plugin_api import LimitError, ReadError

#: Pixels of a picture that is decoded at all, and of one that is shown.
MAX_PIXELS, MAX_SIDE = 170_000_000, 4096
MAX_FILE_BYTES = 4 * 1024**3


@dataclass(frozen=True, eq=False)
class Picture:
    """rgba (H, W, 4) uint8; corners (4, 2) float64 in ``crs``: first row left, right, last row right, left."""

    rgba: np.ndarray
    corners: np.ndarray
    crs: str
    attribution: str = ""

    def between(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """(N, 2) points at shares u to the right and v down, between the corners."""
        u, v = u[:, None], v[:, None]
        first, second, third, fourth = self.corners
        return (1 - v) * ((1 - u) * first + u * second) + v * ((1 - u) * fourth + u * third)


def north_up(picture: Picture) -> Picture:
    """The same picture with its northern row first and its western column first."""
    rgba, corners = picture.rgba, picture.corners
    if corners[[0, 1], 1].mean() < corners[[2, 3], 1].mean():
        rgba, corners = rgba[::-1], corners[[3, 2, 1, 0]]
    if corners[[0, 3], 0].mean() > corners[[1, 2], 0].mean():
        rgba, corners = rgba[:, ::-1], corners[[1, 0, 3, 2]]
    return Picture(np.ascontiguousarray(rgba), corners, picture.crs, picture.attribution)


def affine_corners(matrix: np.ndarray, width: int, height: int) -> np.ndarray:
    """Outer corners (4, 2) of a picture; matrix (2, 3) maps (column, row) of pixel edges to map coordinates."""
    edges = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], dtype=np.float64)
    return edges @ matrix.T


@contextmanager
def opened(source: Path | IO[bytes], formats: tuple[str, ...], path: Path) -> Any:
    """A picture opened by Pillow, not yet decoded; damaged and huge ones become a ReadError."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(source, formats=formats) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise LimitError(
                        "This picture has {count} million pixels; {limit} million is the limit.",
                        path=path,
                        count=image.width * image.height // 1_000_000,
                        limit=MAX_PIXELS // 1_000_000,
                    )
                yield image
    except Image.DecompressionBombError as error:
        raise LimitError(
            "This picture has more than {limit} million pixels.", path=path, limit=MAX_PIXELS // 1_000_000
        ) from error
    except UnidentifiedImageError as error:
        raise ReadError("This picture is damaged.", path=path) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ReadError("This picture is damaged ({reason}).", path=path, reason=str(error)[:200]) from error


def to_rgba(image: Any) -> np.ndarray:
    """(H, W, 4) uint8 of a Pillow image, no side longer than ``MAX_SIDE``."""
    if image.format == "JPEG":
        image.draft("RGB", (MAX_SIDE, MAX_SIDE))
    if image.mode in ("I;16", "I;16B", "I", "F"):
        return stretched(np.asarray(image, dtype=np.float64))
    rgba = image.convert("RGBA")
    rgba.thumbnail((MAX_SIDE, MAX_SIDE))
    return np.array(rgba)


def stretched(values: np.ndarray) -> np.ndarray:
    """(H, W, 4) uint8 greys of (H, W) or colours of (H, W, 3) numbers, between their 1st and 99th percentile."""
    values = np.atleast_3d(values)[..., :3]
    values = values[:: -(-values.shape[0] // MAX_SIDE), :: -(-values.shape[1] // MAX_SIDE)]
    known = np.isfinite(values).all(axis=2)
    low, high = np.percentile(values[known], [1, 99]) if known.any() else (0.0, 1.0)
    scaled = np.clip((np.nan_to_num(values) - low) / max(high - low, 1e-12), 0, 1) * 255
    rgb = np.broadcast_to(scaled, (*values.shape[:2], 3)).astype(np.uint8)
    return np.dstack([rgb, np.where(known, 255, 0).astype(np.uint8)])
