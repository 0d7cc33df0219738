"""Textures and materials of written polygons as one ``app:Appearance`` of CityGML 2.0, at the end of the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.readers.export.xml_text import text

#: Theme of a city whose file names none.
_PLAIN_THEME = "visual"
_KINDS = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "tif": "image/tiff", "tiff": "image/tiff"}


class Looks:
    """Which polygons have a picture or a material; gathered while they are written.

    names : what the file calls the pictures, by their number in the city's appearance; others are left out.
    """

    def __init__(self, city: CityModel, names: Mapping[int, str]) -> None:
        self._city, self._names = city, names
        self._textured: dict[int, list[tuple[int, str]]] = {}
        self._painted: dict[int, list[str]] = {}
        #: Picture -> surface of triangles, with the triangles that have it and the names of their rings.
        self._meshed: dict[int, list[tuple[str, list[tuple[int, str]]]]] = {}
        self._seen: set[int] = set()
        look = city.appearance
        none = [-1] * len(city.face_surface)
        self._texture: list[int] = none if look is None else look.face_texture.tolist()
        self._material: list[int] = none if look is None else look.face_material.tolist()

    def wants(self, face: int) -> bool:
        """Whether the polygon of a face needs ids."""
        return self._material[face] >= 0 or self._texture[face] in self._names

    def note(self, face: int, name: str) -> None:
        """The polygon of a face was written with this id, and its rings with ``ring_id``."""
        if face in self._seen:
            return
        self._seen.add(face)
        if self._texture[face] in self._names:
            self._textured.setdefault(self._texture[face], []).append((face, name))
        if self._material[face] >= 0:
            self._painted.setdefault(self._material[face], []).append(name)

    def note_triangles(self, name: str, triangles: list[int], faces: list[int]) -> list[str]:
        """Names for the rings of some triangles of faces, which are written as a surface with this id; empty where a
        triangle needs none. A material is kept where all have the same, because triangles have no ids."""
        rings = [ring_id(name, i) if self._texture[face] in self._names else "" for i, face in enumerate(faces)]
        of_picture: dict[int, list[tuple[int, str]]] = {}
        for triangle, face, ring in zip(triangles, faces, rings, strict=True):
            if ring:
                of_picture.setdefault(self._texture[face], []).append((triangle, ring))
        for number, own in of_picture.items():
            self._meshed.setdefault(number, []).append((name, own))
        materials = {self._material[face] for face in faces}
        if len(materials) == 1 and min(materials) >= 0:
            self._painted.setdefault(min(materials), []).append(name)
        return rings

    def pieces(self) -> Iterator[str]:
        """The appearance, picture by picture; nothing without any."""
        look = self._city.appearance
        if look is None or not (self._textured or self._painted or self._meshed):
            return
        yield f"<app:appearanceMember><app:Appearance><app:theme>{text(look.theme or _PLAIN_THEME)}</app:theme>"
        for number in dict.fromkeys((*self._textured, *self._meshed)):
            name = self._names[number]
            kind = _KINDS.get(name.rpartition(".")[2].lower(), "")
            mime = f"<app:mimeType>{kind}</app:mimeType>" if kind else ""
            targets = "".join([self._target(face, polygon) for face, polygon in self._textured.get(number, ())])
            targets += "".join([self._mesh_target(own, name) for name, own in self._meshed.get(number, ())])
            yield (
                f"<app:surfaceDataMember><app:ParameterizedTexture><app:imageURI>{text(name)}</app:imageURI>{mime}"
                f"<app:wrapMode>wrap</app:wrapMode>{targets}</app:ParameterizedTexture></app:surfaceDataMember>\n"
            )
        for number, polygons in self._painted.items():
            *color, opacity = (look.materials[number] / 255.0).round(4).tolist()
            clear = f"<app:transparency>{round(1 - opacity, 4):g}</app:transparency>" if opacity < 1 else ""
            targets = "".join([f"<app:target>#{polygon}</app:target>" for polygon in polygons])
            yield (
                f"<app:surfaceDataMember><app:X3DMaterial><app:diffuseColor>{' '.join(f'{c:g}' for c in color)}"
                f"</app:diffuseColor>{clear}{targets}</app:X3DMaterial></app:surfaceDataMember>\n"
            )
        yield "</app:Appearance></app:appearanceMember>\n"

    def _target(self, face: int, polygon: str) -> str:
        city = self._city
        assert city.appearance is not None
        first, last = city.face_ring_start[face : face + 2].tolist()
        lists = []
        for number, (a, b) in enumerate(pairwise(city.ring_start[first : last + 1].tolist())):
            lists.append(_coordinates(ring_id(polygon, number), city.appearance.uv[a:b]))
        return f'<app:target uri="#{polygon}"><app:TexCoordList>{"".join(lists)}</app:TexCoordList></app:target>'

    def _mesh_target(self, triangles: list[tuple[int, str]], surface: str) -> str:
        city = self._city
        assert city.appearance is not None
        uv = city.appearance.uv[city.triangles[[triangle for triangle, _ in triangles]]]
        lists = [_coordinates(ring, own) for (_, ring), own in zip(triangles, uv, strict=True)]
        return f'<app:target uri="#{surface}"><app:TexCoordList>{"".join(lists)}</app:TexCoordList></app:target>'


def _coordinates(ring: str, uv: NDArray[np.float32]) -> str:
    """Texture coordinates (n, 2) of a ring with this id."""
    values = np.concatenate([uv, uv[:1]]).ravel().tolist()
    numbers = " ".join(["%.6g"] * len(values)) % tuple(values)
    return f'<app:textureCoordinates ring="#{ring}">{numbers}</app:textureCoordinates>'


def ring_id(polygon: str, number: int) -> str:
    """Id of a ring of a polygon."""
    return f"{polygon}-ring-{number}"
