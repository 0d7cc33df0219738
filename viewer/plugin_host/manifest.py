"""A plugin's manifest: ``plugin.toml``, read and checked without importing the plugin."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from viewer.errors import PluginError
from viewer.plugin_api import API_VERSION

MANIFEST_NAME = "plugin.toml"
#: A manifest is a page of text; anything longer is none.
MAX_MANIFEST_BYTES = 64 * 1024

_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CALL = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

_PLUGIN_KEYS = {
    "id", "title", "version", "api", "description", "licence", "authors", "homepage", "requires",
    "readers", "layers", "indicators", "catalogues",
}  # fmt: skip
_CONTRIBUTION_KEYS = {
    "readers": {"title", "patterns", "call", "sniff", "format", "result"},
    "layers": {"title", "call"},
    "indicators": {"title", "call"},
    "catalogues": {"title", "call"},
}


class PluginState(StrEnum):
    """Whether a plugin can be used; every state but READY comes with a reason."""

    READY = "ready"
    OFF = "off"
    INCOMPATIBLE = "incompatible"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Contribution:
    """One thing a plugin offers.

    Parameters
    ----------
    kind : "readers", "layers", "indicators" or "catalogues".
    call : ``"module:function"`` inside the plugin's folder.
    patterns : file name patterns a reader may be asked about, lower case.
    sniff : ``"module:function"``, how sure the reader is about a file (0 to 1); "" for none.
    format : name of the format for the import report.
    result : "city" or "layer", what a reader makes.
    """

    kind: str
    title: str
    call: str
    patterns: tuple[str, ...] = ()
    sniff: str = ""
    format: str = ""
    result: str = "layer"

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules of the plugin that this needs."""
        return tuple(dict.fromkeys(call.partition(":")[0] for call in (self.call, self.sniff) if call))


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What is known about a plugin without running it.

    Parameters
    ----------
    package : import name of the package the plugin is part of, "" for a plugin in a folder.
    trusted : one of our own, never switched off by the watch-dog for what a file did to it.
    reason, reason_values : why it is not ready, one plain sentence (a template and translation key);
        hint : what to do about it.
    """

    id: str
    title: str
    version: str
    api: int
    folder: Path
    licence: str = ""
    description: str = ""
    authors: str = ""
    homepage: str = ""
    requires: tuple[str, ...] = ()
    package: str = ""
    trusted: bool = False
    contributions: tuple[Contribution, ...] = ()
    state: PluginState = PluginState.READY
    reason: str = ""
    hint: str = ""
    reason_values: Mapping[str, object] = field(default_factory=dict)

    @property
    def readers(self) -> tuple[Contribution, ...]:
        """The readers it offers."""
        return tuple(c for c in self.contributions if c.kind == "readers")

    @property
    def ready(self) -> bool:
        """Whether it may be called."""
        return self.state is PluginState.READY

    @property
    def reason_text(self) -> str:
        """The reason in English, "" for a ready plugin."""
        return self.reason.format(**self.reason_values) if self.reason else ""

    def with_state(self, state: PluginState, reason: str = "", *, hint: str = "", **values: object) -> PluginInfo:
        """The same plugin in another state."""
        return replace(self, state=state, reason=reason, hint=hint, reason_values=values)

    def refused(self, error: PluginError) -> PluginInfo:
        """The same plugin, failed for this reason."""
        return replace(
            self, state=PluginState.FAILED, reason=error.text, hint=error.hint, reason_values=dict(error.values)
        )


def read_manifest(folder: Path, *, package: str = "", trusted: bool = False) -> PluginInfo:
    """Read ``folder/plugin.toml``. A broken one gives a FAILED plugin named after its folder."""
    path = folder / MANIFEST_NAME
    fallback = PluginInfo(folder.name, folder.name, "", 0, folder, package=package, trusted=trusted)
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            _refuse("Its plugin.toml is larger than {limit} kB.", limit=MAX_MANIFEST_BYTES // 1024)
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except PluginError as error:
        return fallback.refused(error)
    except OSError as error:
        return fallback.with_state(
            PluginState.FAILED, "Its plugin.toml cannot be read ({error}).", error=error.strerror or str(error)
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return fallback.with_state(PluginState.FAILED, "Its plugin.toml is not valid TOML ({error}).", error=str(error))

    named = _named(table, fallback)
    try:
        info = _checked(table, named)
    except PluginError as error:
        return named.refused(error)
    if info.api != API_VERSION:
        return info.with_state(
            PluginState.INCOMPATIBLE,
            "It was written for version {api} of the plugin contract; this program offers version {offered}.",
            hint="Look for a newer version of the plugin or of this program.",
            api=info.api,
            offered=API_VERSION,
        )
    return _with_files_and_packages(info)


def _named(table: Mapping[str, object], info: PluginInfo) -> PluginInfo:
    """Id and title where they can be used, so that even a broken plugin is listed under its name."""
    plugin_id, title = table.get("id"), table.get("title")
    if isinstance(plugin_id, str) and _ID.fullmatch(plugin_id):
        info = replace(info, id=plugin_id)
    if isinstance(title, str) and title.strip():
        info = replace(info, title=title.strip()[:80])
    return info


def _checked(table: Mapping[str, object], named: PluginInfo) -> PluginInfo:
    """Every entry of a manifest, checked.

    Raises
    ------
    PluginError
        An entry is missing, of a wrong kind or unknown.
    """
    _only_known(table, _PLUGIN_KEYS, MANIFEST_NAME)
    plugin_id = _text(table, "id", MANIFEST_NAME)
    if not _ID.fullmatch(plugin_id):
        _refuse(
            "The id {id} in its plugin.toml is not usable.",
            hint="An id is made of small letters, digits and underscores.",
            id=repr(plugin_id[:60]),
        )
    api = table.get("api")
    if not isinstance(api, int) or isinstance(api, bool):
        _refuse("The entry {key} in {place} is missing or of the wrong kind.", key="api", place=MANIFEST_NAME)
    contributions: list[Contribution] = []
    for kind, keys in _CONTRIBUTION_KEYS.items():
        entries = table.get(kind, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            _refuse("The entry {key} in {place} is missing or of the wrong kind.", key=kind, place=MANIFEST_NAME)
        contributions.extend(_contribution(kind, entry, keys) for entry in entries)
    if not contributions:
        _refuse("Its plugin.toml offers neither readers nor layers nor indicators.")
    return replace(
        named,
        id=plugin_id,
        title=_text(table, "title", MANIFEST_NAME)[:80],
        version=_text(table, "version", MANIFEST_NAME)[:40],
        api=api,
        licence=_text(table, "licence", MANIFEST_NAME, default=""),
        description=_text(table, "description", MANIFEST_NAME, default=""),
        authors=_text(table, "authors", MANIFEST_NAME, default=""),
        homepage=_text(table, "homepage", MANIFEST_NAME, default=""),
        requires=_texts(table, "requires", MANIFEST_NAME, default=()),
        contributions=tuple(contributions),
    )


def _contribution(kind: str, entry: Mapping[str, object], keys: set[str]) -> Contribution:
    place = f"[[{kind}]]"
    _only_known(entry, keys, place)
    call, sniff = _text(entry, "call", place), _text(entry, "sniff", place, default="")
    for value in (call, sniff):
        if value and not _CALL.fullmatch(value):
            _refuse(
                "{value} in {place} is no function of the plugin.",
                hint="Write it as module:function.",
                value=repr(value[:60]),
                place=place,
            )
    result = _text(entry, "result", place, default="layer")
    if result not in ("city", "layer"):
        _refuse("The entry {key} in {place} is missing or of the wrong kind.", key="result", place=place)
    patterns = _texts(entry, "patterns", place) if kind == "readers" else ()
    if kind == "readers" and not patterns:
        _refuse("The entry {key} in {place} is missing or of the wrong kind.", key="patterns", place=place)
    return Contribution(
        kind=kind,
        title=_text(entry, "title", place)[:80],
        call=call,
        patterns=tuple(pattern.lower() for pattern in patterns),
        sniff=sniff,
        format=_text(entry, "format", place, default=""),
        result=result,
    )


def _with_files_and_packages(info: PluginInfo) -> PluginInfo:
    """The plugin, failed if a module of its own or a package it needs is not there (nothing is imported)."""
    for contribution in info.contributions:
        for module in contribution.modules:
            base = info.folder.joinpath(*module.split("."))
            if not base.with_suffix(".py").is_file() and not (base / "__init__.py").is_file():
                return info.with_state(
                    PluginState.FAILED,
                    "Its file {file} is missing.",
                    hint="Install the plugin again.",
                    file=f"{module.replace('.', '/')}.py",
                )
    missing = [name for name in info.requires if not _installed(name)]
    return missing_package(info, missing[0]) if missing else info


def missing_package(info: PluginInfo, name: str) -> PluginInfo:
    """The plugin, failed because a package is not installed."""
    return info.with_state(
        PluginState.FAILED,
        "It needs the package {package}, which is not installed.",
        hint="Install it beside this program, for example with: pip install {package}",
        package=name,
    )


def _installed(name: str) -> bool:
    try:
        return name.isidentifier() and importlib.util.find_spec(name) is not None
    except ValueError:  # a half-initialised module of that name
        return False


def _only_known(table: Mapping[str, object], known: set[str], place: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        _refuse(
            "{place} has an unknown entry {key}.",
            hint="Known entries are: {known}.",
            place=place,
            key=repr(unknown[0][:60]),
            known=", ".join(sorted(known)),
        )


def _text(table: Mapping[str, object], key: str, place: str, *, default: str | None = None) -> str:
    value = table.get(key, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        _refuse("The entry {key} in {place} is missing or of the wrong kind.", key=key, place=place)
    return value.strip()


def _texts(
    table: Mapping[str, object], key: str, place: str, *, default: tuple[str, ...] | None = None
) -> tuple[str, ...]:
    value = table.get(key, default)
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
        _refuse("The entry {key} in {place} is missing or of the wrong kind.", key=key, place=place)
    return tuple(str(item) for item in value)


def _refuse(text: str, *, hint: str = "", **values: Any) -> NoReturn:
    raise PluginError(text, hint=hint, **values)
