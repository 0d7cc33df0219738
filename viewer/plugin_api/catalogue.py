"""What a server, a list or a folder has to offer, as entries of a catalogue that a person browses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from viewer.plugin_api.net import SourceFile


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a catalogue.

    Parameters
    ----------
    abstract, credit : what it is, and who must be named for it; free texts of whoever offers it.
    source : the service that opening it opens. path : the file that opening it opens, or the folder or list it is.
    address : a server that can be asked what it offers.
    entries : what stands below it, where that is known; None where it has to be asked for or there is nothing.
    """

    title: str
    abstract: str = ""
    credit: str = ""
    source: SourceFile | None = None
    path: Path | None = None
    address: str = ""
    entries: tuple[Entry, ...] | None = None

    @property
    def opens(self) -> bool:
        """Whether it can be opened."""
        return self.source is not None or (self.path is not None and self.entries is None and self.path.is_file())
