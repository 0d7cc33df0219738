"""Small cities built face by face, for tests that compare with numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from viewer.city import CityModel, Column, Frame, ObjectTable, SurfaceType

#: A face: its surface type and its rings as corner lists.
Face = tuple[SurfaceType, list]


def box(length, width, height, *, x=0.0, y=0.0, z=0.0) -> list[Face]:
    """A closed block with a flat roof."""
    return prism_with_roof(length, width, height, [], x=x, y=y, z=z)


def gable_house(length, width, eaves, ridge, *, origin=(0.0, 0.0, 0.0)) -> list[Face]:
    """A house with a ridge along its length."""
    a, w, m = length, width, width / 2
    faces = [
        (SurfaceType.GROUND, [[(0, 0, 0), (0, w, 0), (a, w, 0), (a, 0, 0)]]),
        (SurfaceType.WALL, [[(0, 0, 0), (a, 0, 0), (a, 0, eaves), (0, 0, eaves)]]),
        (SurfaceType.WALL, [[(a, w, 0), (0, w, 0), (0, w, eaves), (a, w, eaves)]]),
        (SurfaceType.WALL, [[(a, 0, 0), (a, w, 0), (a, w, eaves), (a, m, ridge), (a, 0, eaves)]]),
        (SurfaceType.WALL, [[(0, w, 0), (0, 0, 0), (0, 0, eaves), (0, m, ridge), (0, w, eaves)]]),
        (SurfaceType.ROOF, [[(0, 0, eaves), (a, 0, eaves), (a, m, ridge), (0, m, ridge)]]),
        (SurfaceType.ROOF, [[(a, w, eaves), (0, w, eaves), (0, m, ridge), (a, m, ridge)]]),
    ]
    return moved(faces, origin)


def hip_house(length, width, eaves, top, *, ridge) -> list[Face]:
    """A house with a hipped roof."""
    a, w, m, s = length, width, width / 2, (length - ridge) / 2
    e, t = eaves, top
    return [
        (SurfaceType.GROUND, [[(0, 0, 0), (0, w, 0), (a, w, 0), (a, 0, 0)]]),
        (SurfaceType.WALL, [[(0, 0, 0), (a, 0, 0), (a, 0, e), (0, 0, e)]]),
        (SurfaceType.WALL, [[(a, w, 0), (0, w, 0), (0, w, e), (a, w, e)]]),
        (SurfaceType.WALL, [[(a, 0, 0), (a, w, 0), (a, w, e), (a, 0, e)]]),
        (SurfaceType.WALL, [[(0, w, 0), (0, 0, 0), (0, 0, e), (0, w, e)]]),
        (SurfaceType.ROOF, [[(0, 0, e), (a, 0, e), (a - s, m, t), (s, m, t)]]),
        (SurfaceType.ROOF, [[(a, w, e), (0, w, e), (s, m, t), (a - s, m, t)]]),
        (SurfaceType.ROOF, [[(0, w, e), (0, 0, e), (s, m, t)]]),
        (SurfaceType.ROOF, [[(a, 0, e), (a, w, e), (a - s, m, t)]]),
    ]


def prism_with_roof(length, width, height, extra, *, x, y, z) -> list[Face]:
    """A block; ``extra`` faces are added as they are."""
    a, w, h = length, width, height
    faces = [
        (SurfaceType.GROUND, [[(0, 0, 0), (0, w, 0), (a, w, 0), (a, 0, 0)]]),
        (SurfaceType.WALL, [[(0, 0, 0), (a, 0, 0), (a, 0, h), (0, 0, h)]]),
        (SurfaceType.WALL, [[(a, 0, 0), (a, w, 0), (a, w, h), (a, 0, h)]]),
        (SurfaceType.WALL, [[(a, w, 0), (0, w, 0), (0, w, h), (a, w, h)]]),
        (SurfaceType.WALL, [[(0, w, 0), (0, 0, 0), (0, 0, h), (0, w, h)]]),
        (SurfaceType.ROOF, [[(0, 0, h), (a, 0, h), (a, w, h), (0, w, h)]]),
        *extra,
    ]
    return moved(faces, (x, y, z))


def plane(x0, y0, x1, y1, z=0.0, surface=SurfaceType.UNKNOWN) -> list[Face]:
    """A rectangle lying level."""
    return [(surface, [[(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)]])]


def moved(faces, by) -> list[Face]:
    """The faces shifted."""
    return [(s, [[tuple(np.add(p, by).tolist()) for p in ring] for ring in rings]) for s, rings in faces]


def mesh_of(faces: Sequence[Face]) -> tuple[np.ndarray, np.ndarray]:
    """Float64 points and triangles of convex faces without holes."""
    points: list = []
    triangles: list = []
    for _, rings in faces:
        start = len(points)
        points.extend(rings[0])
        triangles.extend((start, start + i, start + i + 1) for i in range(1, len(rings[0]) - 1))
    return np.array(points, dtype=np.float64), np.array(triangles)


def city_of(
    objects: Sequence[Sequence[Face]],
    *,
    types: Sequence[str] | None = None,
    parents: Sequence[int] | None = None,
    attributes: dict | None = None,
    ids: Sequence[str] | None = None,
    origin=(0.0, 0.0, 0.0),
) -> CityModel:
    """A city whose objects are given as faces; outer rings are triangulated as fans."""
    points, ring_start, face_start, surface, owner, triangles, triangle_face = [], [0], [0], [], [], [], []
    for number, faces in enumerate(objects):
        for kind, rings in faces:
            first = len(points)
            triangles.extend((first, first + i, first + i + 1) for i in range(1, len(rings[0]) - 1))
            triangle_face.extend([len(surface)] * (len(rings[0]) - 2))
            for ring in rings:
                points.extend(ring)
                ring_start.append(len(points))
            face_start.append(len(ring_start) - 1)
            surface.append(kind)
            owner.append(number)
    n = len(objects)
    parents = [-1] * n if parents is None else list(parents)
    types = ["BuildingPart" if p >= 0 else "Building" for p in parents] if types is None else list(types)
    names = tuple(dict.fromkeys(types)) or ("Building",)
    frame = Frame("EPSG:25832", tuple(float(v) for v in origin))
    columns = {}
    for name, values in (attributes or {}).items():
        text = any(isinstance(v, str) for v in values)
        dtype = np.dtypes.StringDType() if text else np.float64
        columns[name] = Column(name, np.array(values, dtype=dtype))
    return CityModel(
        name="test",
        frame=frame,
        positions_local=frame.local_from_crs(np.array(points, float).reshape(-1, 3)).astype(np.float32),
        ring_start=np.array(ring_start, np.int32),
        face_ring_start=np.array(face_start, np.int32),
        face_surface=np.array(surface, np.uint8),
        face_object=np.array(owner, np.int32),
        face_lod=np.zeros(len(surface), np.uint8),
        triangles=np.array(triangles, np.int32).reshape(-1, 3),
        triangle_face=np.array(triangle_face, np.int32),
        objects=ObjectTable(
            ids=np.array([f"b{i}" for i in range(n)] if ids is None else ids, dtype=np.dtypes.StringDType()),
            types=names,
            type_code=np.array([names.index(t) for t in types], np.uint16),
            parent=np.array(parents, np.int32),
            attributes=columns,
        ),
        lods=("2",),
    )


def houses(n: int, *, spacing=30.0) -> CityModel:
    """``n`` gable houses (M1) in a square grid."""
    side = int(np.ceil(np.sqrt(n)))
    return city_of(
        [gable_house(12, 8, 6, 9, origin=(spacing * (i % side), spacing * (i // side), 0.0)) for i in range(n)]
    )
