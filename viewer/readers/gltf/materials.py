"""Materials of a glTF model: the base colour and its picture. Shine, relief and lights are left out."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.errors import ReadError
from viewer.readers.gltf.container import Fetch, bytes_of, view_bytes
from viewer.readers.gltf.fields import Fields, wrong

#: Largest side of a picture as it is drawn, and most pixels it may have in its file.
MAX_SIDE, MAX_PIXELS = 2048, 100_000_000
_FORMATS = ("JPEG", "PNG", "WEBP")
_DAMAGED = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError,
            NotImplementedError, struct.error, zlib.error, MemoryError)  # fmt: skip

PACKED_PICTURES = "Pictures packed as KTX2 (Basis Universal) cannot be unpacked; the model is drawn without them."
LOST_PICTURES = "Pictures of the model that are missing or damaged, not shown: {count}"


@dataclass(frozen=True, eq=False)
class Material:
    """The base colour.

    rgba : (4,) float64 linear light and opacity, 0 to 1. picture : number of an image, -1 for none. uv_set : which
    texture coordinates. uv_matrix : (2, 3) float64 that is applied to them. mode : OPAQUE, whatever its pictures say;
    MASK, what has less opacity than ``cutoff`` is left out; or BLEND.
    """

    rgba: NDArray[np.float64]
    picture: int = -1
    uv_set: int = 0
    uv_matrix: NDArray[np.float64] | None = None
    mode: str = "OPAQUE"
    cutoff: float = 0.5

    def worn(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture (H, W, 4) with the opacity that this material gives it."""
        if self.mode == "BLEND" or bool((picture[..., 3] == 255).all()):
            return picture
        seen = np.array(picture)
        seen[..., 3] = 255 if self.mode == "OPAQUE" else np.where(picture[..., 3] < self.cutoff * 255, 0, 255)
        return seen


DEFAULT = Material(np.ones(4))


def materials_of(document: Fields) -> tuple[list[Material], bool]:
    """All materials; and whether pictures are left out because they are packed as KTX2."""
    packed = False
    result = []
    for item in document.children("materials"):
        surface = item.child("pbrMetallicRoughness")
        factor, texture = surface.numbers("baseColorFactor", 4), surface.child("baseColorTexture")
        old = item.child("extensions").child("KHR_materials_pbrSpecularGlossiness")
        if "baseColorFactor" not in surface and "diffuseFactor" in old:
            factor = old.numbers("diffuseFactor", 4)
        if "baseColorTexture" not in surface and "diffuseTexture" in old:
            texture = old.child("diffuseTexture")
        rgba = np.clip(np.array(factor or (1.0, 1.0, 1.0, 1.0)), 0.0, 1.0)
        mode, cutoff = item.text("alphaMode", "OPAQUE"), item.number("alphaCutoff", 0.5)
        if mode == "MASK":
            cutoff /= max(rgba[3], 1e-6)
        if mode != "BLEND":
            rgba[3] = 1.0
        picture, is_packed = _picture(document, texture)
        packed |= is_packed
        moved = texture.child("extensions").child("KHR_texture_transform")
        result.append(
            Material(
                rgba,
                picture,
                moved.count("texCoord", texture.count("texCoord")),
                _uv_matrix(moved) if picture >= 0 else None,
                mode if mode in ("MASK", "BLEND") else "OPAQUE",
                cutoff,
            )
        )
    return result, packed


def srgb_of(linear: NDArray[np.floating]) -> NDArray[np.float64]:
    """sRGB 0 to 1 of linear light 0 to 1."""
    linear = np.clip(np.asarray(linear, np.float64), 0.0, 1.0)
    bright = 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(linear <= 0.0031308, linear * 12.92, bright))


def _picture(document: Fields, texture: Fields) -> tuple[int, bool]:
    """Number of the image of a texture, -1 for none; whether there is one only as KTX2."""
    if "index" not in texture:
        return -1, False
    item = document.item("textures", texture.count("index"))
    webp = item.child("extensions").child("EXT_texture_webp")
    source = webp if "source" in webp else item
    if "source" not in source:
        return -1, "KHR_texture_basisu" in item.child("extensions")
    number = source.count("source")
    if number >= len(document.entries("images")):
        raise wrong(item.where)
    return number, False


def _uv_matrix(moved: Fields) -> NDArray[np.float64] | None:
    if not moved.data:
        return None
    offset, scale = moved.numbers("offset", 2) or [0.0, 0.0], moved.numbers("scale", 2) or [1.0, 1.0]
    c, s = np.cos(moved.number("rotation")), np.sin(moved.number("rotation"))
    return np.array([[c * scale[0], s * scale[1], offset[0]], [-s * scale[0], c * scale[1], offset[1]]])


def read_picture(document: Fields, buffers: list[memoryview], number: int, fetch: Fetch) -> NDArray[np.uint8]:
    """One picture, (H, W, 4) uint8, first row on top, no side longer than ``MAX_SIDE``.

    Raises
    ------
    ReadError
        It is missing, damaged, too large or of another kind than JPEG, PNG and WebP.
    """
    item = document.item("images", number)
    if "bufferView" in item:
        data = bytes(view_bytes(document, buffers, item.count("bufferView")))
    else:
        data = bytes_of(item.text("uri"), fetch)
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                if not 0 < picture.size[0] * picture.size[1] <= MAX_PIXELS:
                    raise ReadError("A picture has more than {limit} million pixels.", limit=MAX_PIXELS // 1_000_000)
                picture.draft("RGB", (MAX_SIDE, MAX_SIDE))
                drawn = picture.convert("RGBA")
                drawn.thumbnail((MAX_SIDE, MAX_SIDE))
                return np.asarray(drawn, np.uint8)
    except (*_DAMAGED, Image.DecompressionBombError) as error:
        raise ReadError("A picture is damaged.") from error
