"""The catalogue: folders, lists of sources and servers, browsed step by step until something can be opened.

Nothing is read before a person asks for it, and a list never leads out of its own folder. Knows no window.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from viewer.errors import LimitError, ReadError, SaveError
from viewer.plugin_api import Entry, Progress, ReadContext, SourceFile, host_of
from viewer.plugin_api.net import source_bytes
from viewer.plugin_api.net.source import SUFFIX, read_source, source_of
from viewer.plugin_host import PluginHost
from viewer.session.atomic import write_atomic
from viewer.settings import data_folder

#: Entries of one folder or list, depth of a list, bytes of a list.
MAX_ENTRIES, MAX_DEPTH, MAX_LIST_BYTES = 5000, 12, 16 * 1024 * 1024
LIST_NAMES = ("catalog.json", "catalogue.json", "services.json")
_SESSION = ".stadtforum"
#: Kinds of services as the lists of geoportals write them.
_PORTAL_KINDS = {"WMS": "wms", "WMTS": "wmts", "WFS": "wfs", "OAF": "features", "SENSORTHINGS": "sensorthings"}
_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d")  # on Windows
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")


class Catalogue:
    """Browses roots and makes files of what is to be opened.

    Parameters
    ----------
    folder : where source files of servers are written; below the user's data by default.
    """

    def __init__(self, host: PluginHost, folder: Path | None = None) -> None:
        self._host = host
        self._folder = data_folder() / "sources" if folder is None else folder
        self._lists: set[Path] = set()

    def root(self, place: str) -> Entry:
        """The entry of a folder, a list or an address, not yet browsed.

        Raises
        ------
        ReadError
            It is none of them.
        """
        place = place.strip()
        if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", place):
            return Entry(host_of(place), address=place)
        path = Path(place)
        if path.is_file():  # a person added it as a list, whatever its name
            self._lists.add(path)
        return Entry(path.name or str(path), path=path)

    def browse(self, entry: Entry, progress: Progress | None = None, *, refresh: bool = False) -> Entry:
        """The same entry with what stands below it; safe to call in a worker.

        Raises
        ------
        ViewerError, Cancelled
            It cannot be read, or a server must be allowed first.
        """
        if entry.entries is not None:
            return entry
        if entry.address:
            context = ReadContext(progress=progress or Progress(), refresh=refresh)
            found = self._host.browse(entry.address, context)
            below = found.entries if found.entries is not None else (found,)
            return replace(found, title=found.title or entry.title, address=entry.address, entries=below)
        if entry.path is None:
            return entry
        if not entry.path.exists():
            raise ReadError("This folder or list is not there any more.", path=entry.path)
        return self._folder_of(entry) if entry.path.is_dir() else read_list(entry.path)

    def can_browse(self, entry: Entry) -> bool:
        """Whether something may stand below an entry."""
        if entry.entries is not None:
            return bool(entry.entries)
        if entry.address or entry.path is None:
            return bool(entry.address)
        return not entry.opens or entry.path in self._lists or entry.path.name.lower() in LIST_NAMES

    def file_of(self, entry: Entry) -> Path:
        """The file to open; for a service a source file is written, once.

        Raises
        ------
        SaveError
            It could not be written.
        """
        if entry.source is None:
            if entry.path is None:
                raise ReadError("This entry cannot be opened.")
            return entry.path
        content = source_bytes(entry.source)
        name = _file_name(entry.source)
        for number in range(1, 1000):
            path = self._folder / f"{name}{'' if number == 1 else f'-{number}'}{SUFFIX}"
            if not path.exists():
                try:
                    self._folder.mkdir(parents=True, exist_ok=True)
                except OSError as error:
                    raise SaveError("The source file could not be written.", path=path) from error
                write_atomic(path, content, keep_former=False)
                return path
            if path.is_file() and path.read_bytes() == content:
                return path
        raise SaveError("The source file could not be written.", path=self._folder)

    def _folder_of(self, entry: Entry) -> Entry:
        """Folders and files that can be opened, in the order of their names."""
        assert entry.path is not None
        patterns = (*self._host.patterns(), f"*{_SESSION}")
        below: list[Entry] = []
        try:
            for path in sorted(entry.path.iterdir(), key=lambda path: (not path.is_dir(), path.name.lower())):
                if path.name.startswith((".", "__MACOSX")) or len(below) >= MAX_ENTRIES:
                    continue
                name = path.name.lower()
                if path.is_dir() or name in LIST_NAMES or any(fnmatchcase(name, pattern) for pattern in patterns):
                    below.append(_described(path))
        except OSError as error:
            raise ReadError("This folder cannot be read.", path=entry.path) from error
        return replace(entry, entries=tuple(below))


def _described(path: Path) -> Entry:
    """A file or folder; a source file tells its title and credit."""
    if path.name.lower().endswith(SUFFIX):
        try:
            source = read_source(path)
        except ReadError:
            return Entry(path.name, path=path)
        return Entry(source.title or path.name, source.url, source.credit, path=path)
    return Entry(path.name, path=path)


def read_list(path: Path) -> Entry:
    """A list of sources: ours (``catalog.json``), or the layer list of a geoportal (``services.json``).

    Raises
    ------
    ReadError, LimitError
        It is no list.
    """
    try:
        if path.stat().st_size > MAX_LIST_BYTES:
            raise LimitError("This file is larger than {limit} MB.", path=path, limit=MAX_LIST_BYTES // 1024**2)
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise ReadError("This file cannot be read ({reason}).", path=path, reason=error.strerror) from error
    except (ValueError, RecursionError) as error:
        raise ReadError("This list of sources is no JSON.", path=path) from error
    title = path.parent.name or path.name
    if isinstance(value, list):
        listed = [_portal_entry(each) for each in value[:MAX_ENTRIES] if isinstance(each, dict)]
        below = tuple(entry for entry in listed if entry is not None)
        if value and not below:
            raise ReadError("There is no source in this list.", path=path)
        return Entry(title, path=path, entries=below)
    if not isinstance(value, dict) or not isinstance(value.get("entries"), list):
        raise ReadError("There is no source in this list.", path=path)
    return replace(_group(value, path.parent, 0), title=_words(value, "title") or title, path=path)


def _group(value: Mapping[str, Any], folder: Path, depth: int) -> Entry:
    below: list[Entry] = []
    entries: Sequence[object] = value["entries"] if depth < MAX_DEPTH else ()
    for each in entries[:MAX_ENTRIES]:
        found = _listed(each, folder, depth + 1) if isinstance(each, dict) else None
        if found is not None:
            below.append(found)
    return Entry(_words(value, "title") or "–", _words(value, "abstract"), entries=tuple(below))


def _listed(value: Mapping[str, Any], folder: Path, depth: int) -> Entry | None:
    """One entry of a list; None for one that makes no sense or leads out of the folder."""
    title, abstract = _words(value, "title"), _words(value, "abstract")
    if isinstance(value.get("entries"), list):
        return _group(value, folder, depth)
    if isinstance(value.get("path"), str):
        path = inside(folder, value["path"])
        return None if path is None else Entry(title or path.name, abstract, _words(value, "attribution"), path=path)
    try:
        if value.get("type") in ("server", None):
            address = str(value.get("url", ""))
            return Entry(title or host_of(address), abstract, address=address)
        source = source_of({"stadtforum": "source", **value})
    except ReadError:
        return None
    settings = {name: text for name, text in source.settings.items() if name != "abstract"}
    source = replace(source, settings=settings)
    return Entry(source.title or source.host, abstract, source.credit, source)


def inside(folder: Path, written: str) -> Path | None:
    """A path in a list, taken from the folder of the list; None if it leads out of it."""
    text = unquote(written).replace("\\", "/")
    if text.startswith("/") or ":" in text or "\0" in text:
        return None
    path = (folder / text).resolve()
    return path if path.is_relative_to(folder.resolve()) else None


def _portal_entry(value: Mapping[str, Any]) -> Entry | None:
    """A layer as the list of a geoportal names it."""
    kind = _PORTAL_KINDS.get(str(value.get("typ", "")).upper())
    if kind is None or not isinstance(value.get("url"), str):
        return None
    names = value.get("layers") or value.get("featureType") or value.get("collection") or ""
    datasets = value.get("datasets")
    dataset = datasets[0] if isinstance(datasets, list) and datasets and isinstance(datasets[0], dict) else {}
    try:
        source = source_of({
            "stadtforum": "source", "type": kind, "url": value["url"], "title": str(value.get("name", ""))[:300],
            "layers": [name.strip() for name in str(names).split(",") if name.strip()],
            "attribution": _words(value, "attribution"),
        })  # fmt: skip
    except ReadError:
        return None
    return Entry(source.title or source.host, _words(dataset, "md_name"), source.credit, source)


def _words(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return " ".join(found.split())[:2000] if isinstance(found, str) else ""


def _file_name(source: SourceFile) -> str:
    """A name every file system takes."""
    text = source.title or urlsplit(source.url).hostname or "source"
    for umlaut, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.replace(umlaut, letters).replace(umlaut.upper(), letters.capitalize())
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    name = _NOT_IN_NAMES.sub("-", plain).strip("-").lower()[:60]
    return f"source-{name}".rstrip("-") if not name or _RESERVED.fullmatch(name) else name
