"""Loads a plugin's functions under a private name; the module search path stays as it is."""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from viewer.errors import PluginError
from viewer.plugin_host.manifest import PluginInfo

#: Prefix of the private packages that plugins in folders live in.
PRIVATE = "_stadtforum_plugin_"


def load_function(info: PluginInfo, call: str) -> Callable[..., Any]:
    """The function ``"module:function"`` of a plugin; its module is imported on first use.

    A plugin in a folder becomes a private package, so ``from . import helper`` works inside it and
    two plugins may both have a ``reader.py``.

    Raises
    ------
    PluginError
        There is no such function. Whatever the import raises comes through as it is.
    """
    module_name, _, name = call.partition(":")
    package = info.package or _private_package(info)
    module = importlib.import_module(f"{package}.{module_name}")
    function = getattr(module, name, None)
    if not callable(function):
        raise PluginError("The plugin {plugin} has no function {call}.", plugin=info.title, call=call)
    return function  # type: ignore[no-any-return]


def forget(info: PluginInfo) -> None:
    """Remove what a plugin in a folder left in the module table, so that a repaired one can be loaded."""
    if info.package:
        return
    private = _private_name(info)
    for name in [n for n in sys.modules if n == private or n.startswith(f"{private}.")]:
        del sys.modules[name]
    importlib.invalidate_caches()


def _private_name(info: PluginInfo) -> str:
    return f"{PRIVATE}{info.id}"


def _private_package(info: PluginInfo) -> str:
    name = _private_name(info)
    known = sys.modules.get(name)
    if known is not None and list(known.__path__) == [str(info.folder)]:
        return name
    forget(info)
    spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [str(info.folder)]
    package = ModuleType(name)
    package.__spec__ = spec
    package.__path__ = [str(info.folder)]
    sys.modules[name] = package
    return name
