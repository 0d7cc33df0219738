"""Other programs measured beside the viewer, each by a script of its own; what is not installed is skipped and named.

``python -m benchmarks.peers install`` puts them into a folder outside the project; nothing else installs anything.
"""

from __future__ import annotations

from pathlib import Path


def default_folder() -> Path:
    """Where the other programs are installed unless told otherwise."""
    from platformdirs import user_cache_path

    return user_cache_path("stadtforum") / "peers"
