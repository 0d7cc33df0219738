"""The objects of an XPlanGML file: kind, attributes, heights and shape of each. What they mean stands in ``signs``."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from viewer.plugin_api import LimitError, ReadContext, ReadError

from .shapes import Shape, axes_swapped, read_shape

MAX_BYTES = 512 * 1024**2
_MAX_TEXT, _MAX_VALUES = 2000, 50
_NAMESPACE = re.compile(r"xplanung\.de/xplangml/(\d+)/(\d+)", re.IGNORECASE)
#: Attributes that hold the shape of an object.
_SHAPES = {"position", "raeumlicherGeltungsbereich", "geltungsbereich"}
_HEIGHTS = {"hoehenangabe", "XP_Hoehenangabe"}


@dataclass(slots=True)
class PlanObject:
    """kind : class of the object (``BP_BaugebietsTeilFlaeche``). attributes : texts by name, the first of each.

    heights : one dictionary per height given. shape : None for objects without one.
    """

    kind: str
    id: str
    attributes: dict[str, list[str]] = field(default_factory=dict)
    heights: list[dict[str, str]] = field(default_factory=list)
    shape: Shape | None = None

    def text(self, name: str) -> str:
        """The first value of an attribute, "" without one."""
        return self.attributes.get(name, [""])[0]

    def number(self, name: str) -> float | None:
        """The first value of an attribute as a number, None where it is none."""
        try:
            return float(self.text(name).replace(",", "."))
        except ValueError:
            return None


@dataclass(slots=True)
class Document:
    """version : of XPlanGML, "6.0". crs : as the file names it. objects : in the order of the file."""

    version: str
    crs: str
    objects: list[PlanObject]

    @property
    def name(self) -> str:
        """The plan's own name, "" without one."""
        return next((o.text("name") for o in self.objects if o.kind.endswith("_Plan") and o.text("name")), "")


def read_document(path: Path, context: ReadContext) -> Document:
    """Read the objects one after the other; a damaged end costs only the end.

    Raises
    ------
    ReadError, LimitError
        It is no XPlanGML, declares a document type, or is too large.
    """
    from lxml import etree

    document = Document("", "", [])
    unread = 0
    with _opened(path) as stream:
        events = etree.iterparse(
            stream, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False,
            attribute_defaults=False, remove_comments=True, remove_pis=True, collect_ids=False, huge_tree=False,
        )  # fmt: skip
        try:
            for event, element in events:
                if event == "start":
                    if element.getparent() is None:
                        _check_root(element, document, path)
                elif _local(element) in ("featureMember", "member"):
                    for child in element:
                        unread += not _take(child, document)
                    element.clear()
                elif element.getparent() is not None and element.getparent().getparent() is None:
                    if _local(element) == "boundedBy":
                        document.crs = document.crs or _crs_in(element)
                    element.clear()
                if not len(document.objects) % 500:
                    context.progress.raise_if_cancelled()
        except etree.XMLSyntaxError as error:
            if not document.objects:
                raise ReadError(
                    "This is no XPlanGML file ({reason}).", path=path, reason=str(error.msg)[:200]
                ) from error
            context.warn(
                "The file breaks off or is damaged; what stands before that place is shown.",
                where=f"line {error.lineno}",
            )
    context.warn("Objects whose shape cannot be understood, left out: {count}", count=unread)
    return document


def _check_root(element: Any, document: Document, path: Path) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise ReadError("The file declares a document type, which plans do not have.", path=path)
    found = next(filter(None, (_NAMESPACE.search(uri or "") for uri in element.nsmap.values())), None)
    if found is None:
        raise ReadError("This is no XPlanGML file.", path=path)
    document.version = f"{found[1]}.{found[2]}"


def _take(element: Any, document: Document) -> bool:
    """Keep what an object says; False if it has a shape that cannot be understood."""
    if not isinstance(element.tag, str):
        return True
    found = PlanObject(_local(element), element.get("{http://www.opengis.net/gml/3.2}id", ""))
    understood = True
    for child in element:
        name = _local(child)
        if name in _SHAPES:
            found.shape = read_shape(child)
            document.crs = document.crs or _crs_in(child)
            understood = found.shape is not None
        elif name in _HEIGHTS:
            for part in child.iter():
                if _local(part) in _HEIGHTS and len(part) and _local(part[0]) not in _HEIGHTS:
                    found.heights.append({_local(v): (v.text or "").strip()[:_MAX_TEXT] for v in part})
        elif len(child):
            _take_parts(child, name, found)
        elif child.text and child.text.strip():
            _keep(found, name, child.text)
    document.objects.append(found)
    return understood


def _take_parts(element: Any, name: str, found: PlanObject) -> None:
    """Values of a complex attribute (``zweckbestimmung`` since 6.0) under the name of the attribute."""
    for part in element.iter():
        if not len(part) and part.text and part.text.strip():
            own = _local(part)
            _keep(found, name if own in ("allgemein", name) else own, part.text)


def _keep(found: PlanObject, name: str, text: str) -> None:
    values = found.attributes.setdefault(name, [])
    if len(values) < _MAX_VALUES:
        values.append(" ".join(text.split())[:_MAX_TEXT])


def _crs_in(element: Any) -> str:
    return next((part.get("srsName") for part in element.iter() if part.get("srsName")), "")


def _local(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                member = _plan_in(archive, path)
                with archive.open(member) as packed:
                    data = packed.read(MAX_BYTES + 1)
        else:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ReadError("This file cannot be read ({reason}).", path=path, reason=str(error)[:200]) from error
    if len(data) > MAX_BYTES:
        raise LimitError("This file is larger than {limit} MB.", path=path, limit=MAX_BYTES // 1024**2)
    yield io.BytesIO(data)


def _plan_in(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    """The plan of an archive: ``xplan.gml``, else the largest GML."""
    plans = [
        member for member in archive.infolist()[:10_000]
        if member.filename.lower().endswith((".gml", ".xml")) and not member.filename.startswith("__MACOSX")
    ]  # fmt: skip
    if not plans:
        raise ReadError("There is no plan in this archive.", path=path)
    named = [member for member in plans if member.filename.lower().rpartition("/")[2] == "xplan.gml"]
    return (named or sorted(plans, key=lambda member: -member.file_size))[0]


__all__ = ["Document", "PlanObject", "axes_swapped", "read_document"]
