"""Placeholder until session saving stands."""

from pathlib import Path


def write_sessions(folder: Path) -> None:
    """Nothing yet."""
