"""The plugin host: lists plugins, ranks readers for a file, runs them and checks what they deliver."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from viewer.city import CityModel
from viewer.errors import Cancelled, OutOfMemoryError, PluginError, ReadError, ViewerError, lacks_memory
from viewer.indicators.record import IndicatorRecord
from viewer.plugin_api import Entry, ReadContext
from viewer.plugin_api.net import Network, default_copies
from viewer.plugin_host import copies, ranking, translations
from viewer.plugin_host.border import PluginBug, call_plugin
from viewer.plugin_host.coordinates import prepare
from viewer.plugin_host.discover import find_plugins
from viewer.plugin_host.loader import forget, load_function
from viewer.plugin_host.manifest import Contribution, PluginInfo, PluginState, missing_package
from viewer.plugin_host.ranking import Candidate
from viewer.plugin_host.reading import Reading
from viewer.plugin_host.results import checked_city, checked_layers, checked_records, city_report, layer_report
from viewer.plugin_host.state import MAX_FAILURES, PluginMemory
from viewer.readers.store.cache import CityCache, default_cache
from viewer.readers.store.folder import entry_of, title_of

#: Addresses, and GDAL's virtual file systems; a single letter before the colon is a drive of Windows.
_ELSEWHERE = re.compile(r"/vsi|[a-z][a-z0-9+.-]+:/", re.IGNORECASE)

#: Newest lines of trouble kept per plugin.
MAX_LOG = 20


class PluginHost:
    """Finds plugins in ``folders`` (and our own readers and installed packages) and runs them.

    Parameters
    ----------
    folders : folders whose subfolders are plugins, see ``default_folders``.
    disabled : ids switched off for this run only.
    state_path : file that remembers plugins that are off or failed; None remembers nothing.
    own_readers, packages : whether our own readers and installed packages are looked for.
    cache : where prepared copies of cities are kept; the user's by default.
    network : the way to servers; by default no server is contacted, and the user's copies are used.
    """

    def __init__(
        self,
        folders: Sequence[Path] = (),
        disabled: Iterable[str] = (),
        state_path: Path | None = None,
        *,
        own_readers: bool = True,
        packages: bool = True,
        cache: CityCache | None = None,
        network: Network | None = None,
    ) -> None:
        self._folders = tuple(Path(folder) for folder in folders)
        self._disabled = frozenset(disabled)
        self._own_readers, self._packages = own_readers, packages
        self._memory = PluginMemory.load(state_path)
        self._cache = default_cache() if cache is None else cache
        self.network = Network(copies=default_copies()) if network is None else network
        self._functions: dict[tuple[str, str], Callable[..., Any]] = {}
        self._log: dict[str, list[str]] = {}
        self._plugins: dict[tuple[str, Path], PluginInfo] = {}
        self.rescan()

    # --- the list -----------------------------------------------------------------------------------

    @property
    def plugins(self) -> tuple[PluginInfo, ...]:
        """Every plugin found, whatever its state."""
        return tuple(self._plugins.values())

    def plugin(self, plugin_id: str) -> PluginInfo | None:
        """The plugin of this id; of two with one id the one that may be used."""
        return next((info for info in self.plugins if info.id == plugin_id), None)

    def log(self, plugin_id: str) -> tuple[str, ...]:
        """The newest troubles of a plugin in full, for the author of the plugin."""
        return tuple(self._log.get(plugin_id, ()))

    def rescan(self) -> None:
        """Look for plugins again: new, repaired and removed ones are noticed."""
        for info in self.plugins:
            forget(info)
        self._functions.clear()
        found = find_plugins(self._folders, own_readers=self._own_readers, packages=self._packages)
        self._plugins = {(info.id, info.folder): self._switched(info) for info in found}

    def enable(self, plugin_id: str, on: bool = True) -> None:
        """A person switches a plugin on, which forgives its failures, or off."""
        self._memory.switch(plugin_id, on)
        if on:
            self._disabled -= {plugin_id}
        self.rescan()

    def translations(self, language: str) -> dict[str, Any]:
        """What plugins bring along as ``translations/<language>.json``, in the form of our own tables."""
        return translations.collect((info for info in self.plugins if info.ready), language)

    # --- reading ------------------------------------------------------------------------------------

    def readers_for(self, path: Path) -> tuple[Candidate, ...]:
        """Readers that take this file, best first. Empty if there is none."""
        path = entry_of(Path(path))
        ready = [(info, reader) for info in self.plugins if info.ready for reader in info.readers]
        return ranking.rank(path, ready, self._sniff)

    def read(self, path: Path, context: ReadContext, reader: str = "") -> Reading:
        """Read a file.

        Parameters
        ----------
        context : its frame, options, progress and log; ``transform`` is filled in if it is not set.
        reader : ``"plugin_id:reader title"`` or ``"plugin_id"``; "" takes the best one.

        Raises
        ------
        ReadError
            The file cannot be read, or no reader takes it.
        OutOfMemoryError
            The memory did not suffice; what was half read is let go.
        PluginError
            The plugin failed or delivered something unusable.
        Cancelled
            A person stopped the reading.
        """
        path = entry_of(Path(path))
        try:
            return self._read(path, context, reader)
        except (MemoryError, OSError, ImportError, RuntimeError) as error:
            if not lacks_memory(error):
                raise
        except OutOfMemoryError as error:
            error.path = error.path or path
            raise
        raise OutOfMemoryError(path)

    def _read(self, path: Path, context: ReadContext, reader: str) -> Reading:
        _check_file(path)
        info, contribution = self._choose(path, reader)
        key = f"{info.id}:{contribution.title}"
        ticket = copies.ticket_for(self._cache, info, contribution, path, context)
        copy = copies.open_copy(ticket, info, contribution, path, context)
        if copy is not None:
            return copy
        prepare(context)
        context.network = context.network or self.network
        started = time.perf_counter()
        result = self._run(info, contribution.call, path, context)
        name, seconds = title_of(path), time.perf_counter() - started
        try:
            if isinstance(result, CityModel):
                city = checked_city(info, result, context)
                report = city_report(city, context, name, contribution, key, seconds)
                return Reading(
                    path, key, info.title, contribution.title, report, city=city,
                    frame=city.frame, questions=dict(context.questions), ticket=ticket,
                    ready=dict(context.ready) if info.package == "viewer.readers" else {},
                )  # fmt: skip
            layers = checked_layers(info, result, context)
            report = layer_report(layers, context, name, contribution, key, seconds)
        except ViewerError as error:
            error.path = error.path or path
            self._note(info, error)
            raise
        return Reading(
            path, key, info.title, contribution.title, report, layers=layers,
            frame=context.frame, questions=dict(context.questions),
        )  # fmt: skip

    # --- data without a file, and numbers -------------------------------------------------------------

    @property
    def layer_offers(self) -> tuple[Candidate, ...]:
        """Layers that plugins make without a file."""
        return tuple(
            Candidate(info.id, info.title, c.title, "layer", 1.0)
            for info in self.plugins
            if info.ready
            for c in info.contributions
            if c.kind == "layers"
        )

    def make_layer(self, key: str, context: ReadContext) -> Reading:
        """Make a layer that needs no file; ``key`` is a candidate's. Raises as ``read`` does."""
        info, contribution = self._contribution("layers", key)
        prepare(context)
        context.network = context.network or self.network
        started = time.perf_counter()
        result = self._run(info, contribution.call, context)
        layers = checked_layers(info, result, context)
        seconds = time.perf_counter() - started
        report = layer_report(layers, context, contribution.title, contribution, key, seconds)
        return Reading(
            None, key, info.title, contribution.title, report, layers=layers,
            frame=context.frame, questions=dict(context.questions),
        )  # fmt: skip

    def browse(self, address: str, context: ReadContext) -> Entry:
        """What a server offers, told by the first plugin that knows its kind. Raises as ``read`` does."""
        context.network = context.network or self.network
        for info in self.plugins:
            for contribution in info.contributions:
                if contribution.kind != "catalogues" or not self._is_ready(info):
                    continue
                found = self._run(info, contribution.call, address, context)
                if isinstance(found, Entry):
                    return found
        raise ReadError("Nothing in this program knows what {address} offers.", address=address[:200])

    def indicators(self, city: CityModel, measures: object, change: object) -> tuple[IndicatorRecord, ...]:
        """Numbers of all plugins about a city and a change. A failing plugin is left out and marked."""
        records: list[IndicatorRecord] = []
        for info in self.plugins:
            for contribution in info.contributions:
                if contribution.kind != "indicators" or not self._is_ready(info):
                    continue
                try:
                    result = self._run(info, contribution.call, city, measures, change)
                    records.extend(checked_records(info, result))
                except Cancelled:
                    raise
                except ViewerError as error:
                    self._note(info, error)
        return tuple(records)

    # --- running --------------------------------------------------------------------------------------

    def _choose(self, path: Path, reader: str) -> tuple[PluginInfo, Contribution]:
        if reader:
            return self._contribution("readers", reader)
        candidates = self.readers_for(path)
        if not candidates:
            if b"Capabilities" in ranking.read_head(path)[:4096]:
                raise ReadError(
                    "This file only describes what a server offers.",
                    hint="Enter the server's address in the catalogue (menu View) and choose what to open.",
                    path=path,
                )
            raise ReadError(
                "No reader of this program takes this file.",
                hint="These are taken: {patterns}.",
                path=path,
                patterns=", ".join(self.patterns()),
            )
        return self._contribution("readers", candidates[0].key)

    def patterns(self) -> tuple[str, ...]:
        """File name patterns of all ready readers, for file dialogs and messages."""
        known = {p for info in self.plugins if info.ready for reader in info.readers for p in reader.patterns}
        return tuple(sorted(known))

    def _contribution(self, kind: str, key: str) -> tuple[PluginInfo, Contribution]:
        plugin_id, _, title = key.partition(":")
        info = self.plugin(plugin_id)
        if info is None:
            raise PluginError("The plugin {plugin} is not installed.", plugin=plugin_id)
        if not info.ready:
            raise _unusable(info)
        offers = [c for c in info.contributions if c.kind == kind]
        for contribution in offers:
            if contribution.title == title or not title:
                return info, contribution
        if len(offers) == 1:  # renamed since the session was saved
            return info, offers[0]
        raise PluginError("The plugin {plugin} has no reader {reader}.", plugin=info.title, reader=title)

    def _run(self, info: PluginInfo, call: str, *args: object) -> Any:
        """One guarded call of a plugin's function; failures are counted, remembered and passed on."""
        function = self._function(info, call)
        try:
            if info.trusted:
                result = call_plugin(info, function, *args)
            else:
                with self._memory.running(info.id):
                    result = call_plugin(info, function, *args)
        except PluginBug as error:
            self._failed(info, error)
            raise
        except ViewerError as error:
            self._note(info, error)
            raise
        self._memory.succeeded(info.id)
        return result

    def _function(self, info: PluginInfo, call: str) -> Callable[..., Any]:
        known = self._functions.get((info.id, call))
        if known is not None:
            return known
        try:
            if info.package == "viewer.readers":
                function = call_plugin(info, load_function, info, call)
            else:
                with self._memory.running(info.id):
                    function = call_plugin(info, load_function, info, call)
        except OutOfMemoryError:  # nothing is wrong with the plugin
            forget(info)
            raise
        except ViewerError as error:
            forget(info)
            self._note(info, error)
            cause = error.__cause__
            missing = cause.name if isinstance(cause, ModuleNotFoundError) and cause.name else ""
            if missing and not missing.startswith((info.package or "_stadtforum_plugin_", "viewer.")):
                failed = missing_package(info, missing.partition(".")[0])
            else:
                failed = info.with_state(
                    PluginState.FAILED, "It cannot be loaded ({error}).", hint="See its log.", error=_shortest(error)
                )
            self._set(failed)
            raise _unusable(failed) from error
        self._functions[info.id, call] = function
        return function

    def _sniff(self, info: PluginInfo, reader: Contribution, path: Path, head: bytes) -> float:
        """How sure a reader is about a file.

        Raises
        ------
        ViewerError
            The plugin cannot be loaded or its function failed; the reader is only ranked lower.
        """
        function = self._function(info, reader.sniff)
        return ranking.confidence(call_plugin(info, ranking.call_sniffer, function, path, head))

    def _failed(self, info: PluginInfo, error: PluginBug) -> None:
        self._note(info, error)
        if not info.trusted and self._memory.failed(info.id):
            self._set(self._switched(info))

    def _note(self, info: PluginInfo, error: ViewerError) -> None:
        lines = self._log.setdefault(info.id, [])
        lines.append("".join(traceback.format_exception(error)))
        del lines[:-MAX_LOG]

    def _set(self, info: PluginInfo) -> None:
        self._plugins[info.id, info.folder] = info

    def _is_ready(self, info: PluginInfo) -> bool:
        return self._plugins[info.id, info.folder].ready

    def _switched(self, info: PluginInfo) -> PluginInfo:
        """The plugin with what is remembered about it."""
        if not info.ready or info.package == "viewer.readers":
            return info
        if info.id in self._disabled or info.id in self._memory.off:
            return info.with_state(PluginState.OFF, "It was switched off.", hint="Switch it on in the list of plugins.")
        if info.id in self._memory.vanished:
            return info.with_state(
                PluginState.OFF,
                "The program ended while this plugin was running, so it was switched off.",
                hint="Switch it on in the list of plugins to try again.",
            )
        if self._memory.failures.get(info.id, 0) >= MAX_FAILURES:
            return info.with_state(
                PluginState.OFF,
                "It failed {count} times in a row, so it was switched off.",
                hint="Switch it on in the list of plugins to try again.",
                count=self._memory.failures[info.id],
            )
        return info


def _unusable(info: PluginInfo) -> PluginError:
    """The reason is an error of its own among the values, so that it is translated too."""
    reason_values: dict[str, Any] = dict(info.reason_values)
    reason = PluginError(info.reason, **reason_values)
    values = {**reason_values, "plugin": info.title, "reason": reason}
    return PluginError("The plugin {plugin} cannot be used. {reason}", hint=info.hint, **values)


def _shortest(error: ViewerError) -> str:
    """What went wrong inside a plugin, without the sentence around it."""
    return str(error.values.get("error", error))


def _check_file(path: Path) -> None:
    """Raise ReadError for what is no readable, non-empty file."""
    if _ELSEWHERE.match(path.as_posix()):
        raise ReadError("Only files on this computer can be opened.", path=path)
    try:
        if path.is_dir():
            raise ReadError("This is a folder, not a file.", hint="Open a file inside it.", path=path)
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError:
        raise ReadError("This file does not exist.", path=path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ReadError("This file cannot be opened ({reason}).", path=path, reason=reason) from error
    if empty:
        raise ReadError("This file is empty.", path=path)
