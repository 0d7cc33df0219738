"""Finds, checks and runs plugins; a failure stays inside its plugin.

Manifests are read without importing anything, every call into a plugin crosses one border
(``border``), and what comes back passes the gate. Knows no Qt and draws nothing.
"""

from viewer.plugin_host.discover import default_folders, default_state_path
from viewer.plugin_host.host import PluginHost
from viewer.plugin_host.manifest import Contribution, PluginInfo, PluginState
from viewer.plugin_host.ranking import Candidate
from viewer.plugin_host.reading import Reading
from viewer.plugin_host.template import create_plugin

__all__ = [
    "Candidate",
    "Contribution",
    "PluginHost",
    "PluginInfo",
    "PluginState",
    "Reading",
    "create_plugin",
    "default_folders",
    "default_state_path",
]
