"""Stadtforum: the 3D digital twin a city puts on the table.

The packages are read upwards: ``city`` (facts), ``scenario`` (what could change), ``indicators``
(what it means), ``scene`` and ``ui`` (what is seen). ``pyproject.toml`` holds who may import whom.
"""

__version__ = "0.1.0"
