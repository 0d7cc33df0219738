"""What an untrusted file may ask of this computer, in one table. Each message names the limit it met."""

from __future__ import annotations

from os import PathLike

from viewer.errors import LimitError

MEBI = 1024 * 1024
GIBI = 1024 * MEBI

#: Largest file read as a city, unpacked, bytes.
MAX_FILE_BYTES = 64 * GIBI
#: Files in one archive; bytes of one of them and of all together, unpacked; how much packing may save.
MAX_ARCHIVE_MEMBERS = 10_000
MAX_MEMBER_BYTES = 16 * GIBI
MAX_ARCHIVE_BYTES = 64 * GIBI
MAX_EXPANSION = 200
#: Below this size no archive is suspicious, whatever it saves.
EXPANSION_FREE_BYTES = 64 * MEBI
#: Nesting of XML elements; set by libxml2 for large files.
MAX_XML_DEPTH = 2048
#: Nesting of city objects and of the surfaces in them.
MAX_OBJECT_DEPTH = 60
#: Characters of one attribute; longer ones are cut.
MAX_ATTRIBUTE_LENGTH = 4096
#: Kinds of attributes in one file; the rest is left out.
MAX_ATTRIBUTES = 2000
#: Points of a terrain that is not written as triangles, and of all of them in a city; more are thinned.
MAX_RELIEF_POINTS = 1_000_000
MAX_RELIEF_POINTS_TOGETHER = 4_000_000
#: Bytes before the first element of an XML file.
MAX_PROLOG_BYTES = MEBI


def too_large(what: str, limit: int, path: str | PathLike[str]) -> LimitError:
    """The error for a file or archive that is larger than it may be; ``what`` names it, ``limit`` is in bytes."""
    return LimitError(
        "{what} is larger than {limit} MB, the limit for safe reading.",
        path=path,
        what=what,
        limit=f"{limit // MEBI:,}",
    )
