"""The file formats a city can be given back in, chosen by the end of a file's name, and the one way to write them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from viewer.errors import SaveError
from viewer.plugin_api import Progress
from viewer.readers.cityjson_writer import to_cityjson
from viewer.readers.export.bake import Baked, bake
from viewer.readers.export.citygml import citygml_chunks
from viewer.readers.export.cityjson_seq import cityjson_seq_chunks
from viewer.readers.export.geopackage import geopackage_chunks
from viewer.readers.export.gltf import glb_chunks
from viewer.readers.export.pictures import names_beside, with_pictures
from viewer.readers.export.request import Export
from viewer.readers.export.table import csv_chunks
from viewer.readers.export.tiles3d import tileset_files

_Write = Callable[[Export, Baked, Progress], Iterator[bytes]]
_WriteFiles = Callable[[Export, Baked, Progress], Iterator[tuple[str, bytes]]]


@dataclass(frozen=True, slots=True)
class Format:
    """A format to write. ``title`` and ``note`` are shown to people and are translation keys. pictures : whether
    textures are kept, as pictures in a folder beside the file.

    endings : of file names, the usual one first. packs : whether ``.gz`` may follow. A format is one file (``write``)
    or a folder of files (``write_files``), which is known by the file ``mark`` in it.
    """

    id: str
    title: str
    note: str
    endings: tuple[str, ...]
    write: _Write | None
    packs: bool = False
    write_files: _WriteFiles | None = None
    mark: str = ""
    pictures: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether the result is a folder of files."""
        return self.write_files is not None


def _cityjson(export: Export, baked: Baked, progress: Progress) -> Iterator[bytes]:
    progress.report(0.2, "Writing the city")
    yield to_cityjson(baked.city, pictures=export.pictures)


def _cityjson_seq(export: Export, baked: Baked, progress: Progress) -> Iterator[bytes]:
    return cityjson_seq_chunks(baked.city, progress, export.pictures)


def _citygml(export: Export, baked: Baked, progress: Progress) -> Iterator[bytes]:
    return citygml_chunks(baked.city, progress, export.pictures)


#: All formats, in the order in which they are offered.
FORMATS: tuple[Format, ...] = (
    Format("cityjson", "CityJSON 2.0", "The whole city: shapes, surfaces, levels of detail, attributes.",
           (".city.json", ".json"), _cityjson, packs=True, pictures=True),
    Format("cityjsonseq", "CityJSONSeq 2.0", "As CityJSON, with one building per line, for large cities.",
           (".city.jsonl", ".jsonl"), _cityjson_seq, packs=True, pictures=True),
    Format("citygml", "CityGML 2.0", "The whole city for offices and databases, in whole levels of detail.",
           (".gml", ".citygml", ".xml"), _citygml, packs=True, pictures=True),
    Format("gpkg", "GeoPackage", "Outlines on the ground with heights, numbers and attributes, for maps.",
           (".gpkg",), geopackage_chunks),
    Format("csv", "Table (CSV)", "One row per building with measures, numbers and attributes.",
           (".csv",), csv_chunks),
    Format("glb", "glTF (GLB)", "The shapes in colours as they are shown, for pictures and presentations.",
           (".glb",), glb_chunks),
    Format("3dtiles", "3D Tiles 1.1", "A folder of tiles for globes in the browser, with ids and attributes.",
           (".3dtiles",), None, write_files=tileset_files, mark="tileset.json"),
)  # fmt: skip


def ending_list() -> str:
    """The usual endings of all formats, for a message."""
    return ", ".join(form.endings[0] for form in FORMATS)


def format_of(path: str | Path) -> Format:
    """The format that a file name asks for by its end.

    Raises
    ------
    SaveError
        None of those that can be written.
    """
    name = Path(path).name.lower()
    packed = name.endswith(".gz")
    bare = name.removesuffix(".gz")
    for form in FORMATS:
        if bare.endswith(form.endings) and (form.packs or not packed):
            return form
    raise SaveError(
        "A city cannot be written as {name}; the known endings are {endings}.",
        name=Path(path).name,
        endings=ending_list(),
    )


def export_chunks(export: Export, path: str | Path, progress: Progress | None = None) -> Iterator[bytes]:
    """The bytes of the file ``path`` asks for by its end, piece by piece; hand them to an atomic writer.

    Safe in a worker: nothing of ``export`` is changed.

    Raises
    ------
    SaveError
        The ending is not known, or nothing is left to be written. Cancelled: a person stopped it.
    """
    progress = Progress() if progress is None else progress
    form = format_of(path)
    if form.write is None:
        raise ValueError(form.id)
    _check(export)
    progress.report(0.0, "Preparing the export")
    baked = bake(export)
    names = names_beside(baked.city, path) if form.pictures else {}
    chunks = form.write(replace(export, pictures=names), baked, progress.part(0.1, 1.0))
    if names:
        chunks = with_pictures(chunks, baked.city, path, names)
    return _packed(chunks) if str(path).lower().endswith(".gz") else chunks


def export_files(export: Export, path: str | Path, progress: Progress | None = None) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of the files in the folder ``path`` asks for by its end, one after the other.

    Raises as ``export_chunks`` does.
    """
    progress = Progress() if progress is None else progress
    form = format_of(path)
    if form.write_files is None:
        raise ValueError(form.id)
    _check(export)
    progress.report(0.0, "Preparing the export")
    return form.write_files(export, bake(export), progress.part(0.1, 1.0))


def _check(export: Export) -> None:
    if not export.written().any():
        raise SaveError("Nothing is left to be written.", hint="Choose other objects or another scenario.")


def _packed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    for chunk in chunks:
        yield packer.compress(chunk)
    yield packer.flush()
