"""The atlas of a city's pictures as plain named arrays, for a store, and back again while the pictures are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from viewer.city import CityModel
from viewer.city.appearance import Appearance
from viewer.readers.pictures import INSIDE
from viewer.scene.atlas import MAX_HEIGHT, MAX_WIDTH, Atlas, is_known, known_atlas, remember
from viewer.scene.ready_mesh import Array, is_kind


def pack(city: CityModel) -> dict[str, Array]:
    """The atlas of a city, if it was made; nothing for a city without pictures."""
    atlas = known_atlas(city)
    if city.appearance is None or atlas is None:
        return {}
    return {
        "atlas.image": atlas.image,
        "atlas.place": atlas.place,
        "atlas.face_color": atlas.face_color,
        "atlas.textured": atlas.textured,
        "atlas.lost": np.frombuffer("\n".join(atlas.lost).encode(), np.uint8),
        "atlas.mark": _mark(city.appearance),
    }


def restore(city: CityModel, packed: Mapping[str, Array]) -> bool:
    """Let ``atlas_of`` answer with what was packed; False if it is not of these pictures as they are now."""
    appearance = city.appearance
    if appearance is None or is_known(city) or not _fits(appearance, packed):
        return False
    lost = bytes(packed["atlas.lost"]).decode(errors="replace")
    remember(city, Atlas(
        packed["atlas.image"], packed["atlas.place"], packed["atlas.face_color"], packed["atlas.textured"],  # type: ignore[arg-type]
        tuple(lost.split("\n")) if lost else (),
    ))  # fmt: skip
    return True


def _fits(appearance: Appearance, packed: Mapping[str, Array]) -> bool:
    faces = len(appearance.face_texture)
    kinds: dict[str, tuple[str, tuple[int, ...]]] = {
        "place": ("<f4", (len(appearance.textures), 4)), "face_color": ("|u1", (faces, 3)),
        "textured": ("|b1", (faces,)), "lost": ("|u1", (-1,)), "mark": ("|u1", (-1,)), "image": ("|u1", (-1, -1, -1)),
    }  # fmt: skip
    if any(
        f"atlas.{name}" not in packed or not is_kind(packed[f"atlas.{name}"], *kind) for name, kind in kinds.items()
    ):
        return False
    height, width, columns = packed["atlas.image"].shape
    if not (0 < height <= MAX_HEIGHT and 0 < width <= MAX_WIDTH and columns in (3, 4)):
        return False
    place = packed["atlas.place"]
    if not np.isfinite(place).all() or np.abs(place).max(initial=0.0) > 1.0:
        return False
    return np.array_equal(packed["atlas.mark"], _mark(appearance))


def _mark(appearance: Appearance) -> Array:
    """(32,) uint8 that are others when a picture is another file, or a file that was changed."""
    digest = hashlib.sha256()
    for text in appearance.textures:
        try:
            state = Path(text.split(INSIDE, 1)[0]).stat()
            found = f"{state.st_size} {state.st_mtime_ns}"
        except (OSError, ValueError):
            found = ""
        digest.update(f"{text}\n{found}\n".encode(errors="replace"))
    return np.frombuffer(digest.digest(), np.uint8)
