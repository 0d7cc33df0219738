"""The prepared copy of a city: its finished arrays in a folder, sorted by tiles, mapped into memory in milliseconds.

Written after a first opening (``cache``) or by ``stadtforum bake``. What a city is, and how its source is
read, is not decided here; ``docs/store.md`` tells other programs what is in such a folder.
"""

from viewer.readers.store.city import Stored, open_store, write_store
from viewer.readers.store.mark import SourceMark, mark_of

__all__ = ["SourceMark", "Stored", "mark_of", "open_store", "write_store"]
