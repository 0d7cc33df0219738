"""The border every call into a plugin crosses: exceptions stop here and changed global state is put back.

In-process plugins are contained against mistakes, not against malice: what ends the whole process
(``os._exit``, a segmentation fault) or never returns is left to the watch-dog in ``state``.
"""

from __future__ import annotations

import decimal
import locale
import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import numpy as np

from viewer.errors import Cancelled, OutOfMemoryError, PluginError, ViewerError, lacks_memory
from viewer.plugin_host.manifest import PluginInfo

log = logging.getLogger("viewer.plugins")

T = TypeVar("T")

#: Longest piece of a plugin's own error text that is shown.
MAX_ERROR_CHARACTERS = 200


class PluginBug(PluginError):
    """A plugin raised something that is no ``ViewerError``; ``__cause__`` is what it raised."""


def call_plugin(info: PluginInfo, function: Callable[..., T], *args: object, **kwargs: object) -> T:
    """Call into a plugin.

    Raises
    ------
    ViewerError, Cancelled
        As the plugin raised them.
    OutOfMemoryError
        The memory did not suffice for one of our own plugins, whose fault that is not.
    PluginBug
        The plugin raised anything else, ``SystemExit`` and, if it is not ours, ``MemoryError`` included.
    """
    threads_before = threading.active_count()
    started = time.perf_counter()
    try:
        with _calls.guard(info), np.errstate(), decimal.localcontext():
            return function(*args, **kwargs)
    except (ViewerError, Cancelled) as error:
        cause = error.__cause__  # a reader may take every trouble with a file for damage
        if not (info.trusted and isinstance(cause, OSError) and lacks_memory(cause)):
            raise
    except (Exception, SystemExit) as error:
        if not (info.trusted and lacks_memory(error)):
            log.error("plugin %s failed in %s", info.id, getattr(function, "__name__", "a call"), exc_info=error)
            text = (
                "The reader {plugin} failed on this file ({error})."
                if info.trusted
                else "The plugin {plugin} failed ({error})."
            )
            raise PluginBug(
                text,
                hint="The details are in the log; please report them to the author of the plugin.",
                plugin=info.title,
                error=_one_line(error),
            ) from error
        log.info("plugin %s had too little memory (%s)", info.id, _one_line(error))
    finally:
        left = threading.active_count() - threads_before
        seconds = time.perf_counter() - started
        log.debug("plugin %s took %.3f s and left %d threads", info.id, seconds, max(left, 0))
    raise OutOfMemoryError


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())[:MAX_ERROR_CHARACTERS]
    name = type(error).__name__
    return f"{name}: {text}" if text else name


class _CallGuard:
    """Puts process-wide state back when the last running plugin call has returned.

    Calls may overlap in several threads: the first takes the picture, the last one restores it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._state: _GlobalState | None = None

    @contextmanager
    def guard(self, info: PluginInfo) -> Iterator[None]:
        with self._lock:
            self._running += 1
            if self._state is None:
                self._state = _GlobalState()
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                if not self._running and self._state is not None:
                    changed = self._state.restore()
                    self._state = None
                    if changed:
                        log.info("plugin %s changed %s; it was put back", info.id, ", ".join(changed))


class _GlobalState:
    """A picture of what a plugin could change for everybody."""

    def __init__(self) -> None:
        self.folder = _current_folder()
        self.locale = locale.setlocale(locale.LC_ALL)
        self.environment = dict(os.environ)
        self.search_path = list(sys.path)
        self.filters = list(warnings.filters)
        self.streams = sys.stdin, sys.stdout, sys.stderr
        self.hooks = sys.excepthook, threading.excepthook
        self.recursion_limit = sys.getrecursionlimit()
        self.root_level = logging.getLogger().level
        self.disabled_below = logging.root.manager.disable
        self.signals = _signals()

    def restore(self) -> list[str]:
        """Put everything back; names what had been changed."""
        changed = []
        if self.folder and _current_folder() != self.folder:
            with suppress(OSError):
                os.chdir(self.folder)
            changed.append("the working folder")
        if locale.setlocale(locale.LC_ALL) != self.locale:
            with suppress(locale.Error):
                locale.setlocale(locale.LC_ALL, self.locale)
            changed.append("the locale")
        if dict(os.environ) != self.environment:
            for name in set(os.environ) - set(self.environment):
                del os.environ[name]
            os.environ.update({n: v for n, v in self.environment.items() if os.environ.get(n) != v})
            changed.append("environment variables")
        if sys.path != self.search_path:
            sys.path[:] = self.search_path
            changed.append("the module search path")
        if list(warnings.filters) != self.filters:
            _set_warning_filters(self.filters)
            changed.append("warning filters")
        if (sys.stdin, sys.stdout, sys.stderr) != self.streams:
            sys.stdin, sys.stdout, sys.stderr = self.streams
            changed.append("standard streams")
        if (sys.excepthook, threading.excepthook) != self.hooks:
            sys.excepthook, threading.excepthook = self.hooks
            changed.append("exception hooks")
        if sys.getrecursionlimit() != self.recursion_limit:
            sys.setrecursionlimit(self.recursion_limit)
            changed.append("the recursion limit")
        root = logging.getLogger()
        if root.level != self.root_level or root.manager.disable != self.disabled_below:
            root.setLevel(self.root_level)
            logging.disable(self.disabled_below)
            changed.append("logging levels")
        changed.extend(_restore_signals(self.signals))
        return changed


def _current_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # the folder was deleted
        return ""


def _set_warning_filters(filters: Sequence[tuple[object, ...]]) -> None:
    """Replace the warning filters through the public functions, so that caches are cleared."""
    warnings.resetwarnings()
    warnings.filters[:] = filters  # type: ignore[index]


def _signals() -> dict[signal.Signals, object]:
    """Signal handlers; only the main thread can change them, so only there a picture is needed."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGABRT, signal.SIGSEGV, signal.SIGFPE)
    return {number: signal.getsignal(number) for number in numbers}


def _restore_signals(signals: dict[signal.Signals, object]) -> list[str]:
    if threading.current_thread() is not threading.main_thread():
        return []
    changed = [n for n, handler in signals.items() if handler is not None and signal.getsignal(n) is not handler]
    for number in changed:
        signal.signal(number, signals[number])  # type: ignore[arg-type]
    return ["signal handlers"] if changed else []


_calls = _CallGuard()
