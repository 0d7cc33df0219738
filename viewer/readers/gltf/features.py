"""Which feature a corner of a glTF mesh belongs to, and the attributes of features.

Feature numbers come from EXT_mesh_features (attribute or picture or corner number), ``_BATCHID`` of 3D Tiles 1.0, or
EXT_instance_features; attributes from EXT_structural_metadata.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.errors import ReadError
from viewer.readers.gltf.accessors import Accessors
from viewer.readers.gltf.container import Fetch, bytes_of, view_bytes
from viewer.readers.gltf.fields import Fields, parse_fields, wrong
from viewer.readers.gltf.metadata import Columns, Schema, table_columns


@dataclass(frozen=True, eq=False)
class FeatureIds:
    """ids : (V,) int64, -1 for none. table : number of the property table, -1 for none."""

    ids: NDArray[np.int64]
    table: int = -1


def mesh_features(primitive: Fields, attributes: dict[str, NDArray[np.generic]], count: int) -> FeatureIds | None:
    """The first set of feature numbers of a primitive; None where it has none.

    attributes : custom columns (V,) by their name (``_FEATURE_ID_0``, ``_BATCHID``).
    """
    for item in primitive.child("extensions").child("EXT_mesh_features").children("featureIds"):
        table = item.count("propertyTable") if "propertyTable" in item else -1
        if "texture" in item:
            continue  # numbers painted into a picture are not split into faces
        if "attribute" in item:
            values = attributes.get(f"_FEATURE_ID_{item.count('attribute')}")
            if values is None:
                raise wrong(item.where)
            ids = _whole(values)
        else:
            ids = np.arange(count, dtype=np.int64)
        if "nullFeatureId" in item:
            ids = np.where(ids == item.count("nullFeatureId"), -1, ids)
        return FeatureIds(ids, table)
    for name in ("_BATCHID", "BATCHID", "_FEATURE_ID_0"):
        if name in attributes:
            return FeatureIds(_whole(attributes[name]))
    return None


def instance_features(node: Fields, accessors: Accessors, count: int) -> FeatureIds | None:
    """Feature numbers of the instances of a node; None where it has none."""
    extensions = node.child("extensions")
    attributes = extensions.child("EXT_mesh_gpu_instancing").child("attributes")
    for item in extensions.child("EXT_instance_features").children("featureIds"):
        table = item.count("propertyTable") if "propertyTable" in item else -1
        if "attribute" in item:
            name = f"_FEATURE_ID_{item.count('attribute')}"
            if name not in attributes:
                raise wrong(item.where)
            ids = _whole(accessors.raw(attributes.count(name), 1))
            if len(ids) != count:
                raise wrong(item.where)
        else:
            ids = np.arange(count, dtype=np.int64)
        if "nullFeatureId" in item:
            ids = np.where(ids == item.count("nullFeatureId"), -1, ids)
        return FeatureIds(ids, table)
    return None


def _whole(values: NDArray[np.generic]) -> NDArray[np.int64]:
    """Feature numbers as written: whole numbers, or floats that a packer moved a little."""
    if values.ndim != 1:
        raise wrong("_FEATURE_ID")
    if values.dtype.kind == "f":
        rounded = np.rint(np.nan_to_num(values.astype(np.float64), nan=-1.0, posinf=-1.0, neginf=-1.0))
        return np.clip(rounded, -1, 2**31 - 2).astype(np.int64)
    return np.minimum(values.astype(np.int64), 2**31 - 2)


def property_tables(document: Fields, buffers: list[memoryview], fetch: Fetch) -> list[Columns]:
    """The property tables of a model; a damaged one is empty."""
    given = document.child("extensions").child("EXT_structural_metadata")
    if "propertyTables" not in given:
        return []
    try:
        if "schema" in given:
            schema = Schema(given.child("schema"))
        elif "schemaUri" in given:
            schema = Schema(parse_fields(bytes_of(given.text("schemaUri"), fetch), "schema"))
        else:
            schema = Schema(None)
    except ReadError:
        schema = Schema(None)
    tables: list[Columns] = []
    for item in given.children("propertyTables"):
        try:
            tables.append(table_columns(item, schema, lambda number: view_bytes(document, buffers, number)))
        except ReadError:
            tables.append({})
    return tables
