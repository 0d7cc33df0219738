"""Textures and materials as arrays of a store, and back; of the pictures only the paths are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city.appearance import Appearance
from viewer.readers.store.arrays import Array, ArrayWriter, Split
from viewer.readers.store.folder import damaged

#: A texture is one of these; nothing else on the disk is opened because a store names it.
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".jp2", ".tga"})


def put_appearance(
    writer: ArrayWriter, appearance: Appearance | None, splits: Mapping[str, Split], source_folder: Path | None
) -> dict[str, Any]:
    """Write textures and materials; what the manifest says about them."""
    if appearance is None:
        return {"appearance": None}
    writer.put("look.uv", appearance.uv, splits["vertex"])
    writer.put("look.face_texture", appearance.face_texture, splits["face"])
    writer.put("look.face_material", appearance.face_material, splits["face"])
    writer.put("look.materials", appearance.materials)
    folders = () if source_folder is None else (source_folder,)
    return {"appearance": {"textures": places_of(appearance.textures, folders), "theme": appearance.theme}}


def places_of(textures: Sequence[str], folders: Sequence[Path]) -> list[list[str]]:
    """Where every picture is, and its path below the folder of its city ("" where it lies elsewhere)."""
    return [[text, next(filter(None, (_below(text, folder) for folder in folders)), "")] for text in textures]


def appearance_of(
    named: Mapping[str, Array], body: Mapping[str, Any], starts: Mapping[str, NDArray[np.int64]], folder: Path
) -> Appearance | None:
    """Textures and materials again; a picture that is gone is looked for beside the store.

    Raises
    ------
    ReadError, KeyError, TypeError, ValueError
        They do not fit the city.
    """
    entry = body["appearance"]
    if entry is None:
        return None
    vertices, faces = int(starts["vertex"][-1]), int(starts["face"][-1])
    kinds: dict[str, tuple[str, tuple[int, ...]]] = {
        "uv": ("<f4", (vertices, 2)), "face_texture": ("<i4", (faces,)), "face_material": ("<i4", (faces,)),
        "materials": ("|u1", (len(named["look.materials"]), 4)),
    }  # fmt: skip
    found: dict[str, Any] = {}
    for name, (dtype, shape) in kinds.items():
        found[name] = named[f"look.{name}"]
        if found[name].dtype.str != dtype or found[name].shape != shape:
            raise damaged(f"look.{name}")
    textures = tuple(_picture(str(path), str(below), folder.parent) for path, below in entry["textures"])
    return Appearance(**found, textures=textures, theme=str(entry["theme"]))


def _below(text: str, folder: Path) -> str:
    """The path of a picture from the folder of its city, "" if it is not in it."""
    try:
        return Path(text).relative_to(folder).as_posix()
    except ValueError:
        return ""


def _picture(text: str, below: str, beside: Path) -> str:
    """Where a picture is now: where it was, else as far below the store as it was below its city."""
    if Path(text).suffix.lower() not in PICTURES or text[:2] in ("\\\\", "//"):
        return ""  # no picture, or on a machine that nobody asked to be asked
    if below and not _file_of(text).is_file() and Path(below).suffix.lower() in PICTURES:
        near = str(beside / below)
        if _file_of(near).resolve().is_relative_to(beside.resolve()) and _file_of(near).is_file():
            return near
    return text


def _file_of(text: str) -> Path:
    """The file of a picture, or the archive it lies in."""
    return Path(text.split("!/", 1)[0])
