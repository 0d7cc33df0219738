"""What a 3DCityDB said, in one form for both versions; goes to the offline copy and back as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from viewer.plugin_api import ReadError


@dataclass
class Records:
    """N objects and F faces.

    keys : numbers of the objects in the database; ids, types : their ids and CityGML types; parents : key of the
    object each belongs to, -1 for none. face_key : object of each face; face_surface : class of the surface that
    bounds it, "" for none; face_lod, wkb : level of detail and polygon (base64).
    attributes : name -> (keys, values).
    """

    version: str = ""
    crs: str = ""
    keys: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    face_key: list[int] = field(default_factory=list)
    face_surface: list[str] = field(default_factory=list)
    face_lod: list[str] = field(default_factory=list)
    wkb: list[str] = field(default_factory=list)
    attributes: dict[str, tuple[list[int], list[object]]] = field(default_factory=dict)

    def set(self, key: int, name: str, value: object) -> None:
        """An attribute of one object; None says nothing."""
        if value is not None and value != "":
            keys, values = self.attributes.setdefault(name, ([], []))
            keys.append(key)
            values.append(value)

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Records:
        """The records again.

        Raises
        ------
        ReadError
            The copy is none of these.
        """
        try:
            made = cls(**{name: value[name] for name in cls.__dataclass_fields__})
            same = {len(made.keys), len(made.ids), len(made.types), len(made.parents)}
            faces = {len(made.face_key), len(made.face_surface), len(made.face_lod), len(made.wkb)}
        except (KeyError, TypeError) as error:
            raise ReadError("The copy of what this database said is damaged.") from error
        if len(same) != 1 or len(faces) != 1:
            raise ReadError("The copy of what this database said is damaged.")
        made.attributes = {str(name): (list(pair[0]), list(pair[1])) for name, pair in made.attributes.items()}
        return made


def prefer_surfaces(records: Records) -> None:
    """Where surfaces bound an object at one level of detail, the solid that repeats them is left out."""
    bounded = {
        (key, lod)
        for key, surface, lod in zip(records.face_key, records.face_surface, records.face_lod, strict=True)
        if surface
    }
    keep = [
        bool(surface) or (key, lod) not in bounded
        for key, surface, lod in zip(records.face_key, records.face_surface, records.face_lod, strict=True)
    ]
    for name in ("face_key", "face_surface", "face_lod", "wkb"):
        column = getattr(records, name)
        setattr(records, name, [value for value, kept in zip(column, keep, strict=True) if kept])
