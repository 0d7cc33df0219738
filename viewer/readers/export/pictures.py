"""Pictures of textures beside a written city: a folder named after the file, with copies of those that are used."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from viewer.city import CityModel
from viewer.errors import ReadError, SaveError
from viewer.readers.archive import Member
from viewer.readers.pictures import INSIDE, MAX_BYTES

#: Endings of files that hold a city, which the folder's name leaves out.
_ENDINGS = re.compile(r"(\.city)?\.(jsonl|json|gml|citygml|xml)(\.gz)?$", re.IGNORECASE)
_UNFIT = re.compile(r"[^\w.\-]+")


def names_beside(city: CityModel, path: str | Path) -> dict[int, str]:
    """Names of the pictures that a city uses, by their number in ``Appearance.textures``, as a file written to
    ``path`` calls them."""
    appearance = city.appearance
    if appearance is None:
        return {}
    folder = _UNFIT.sub("_", _ENDINGS.sub("", Path(path).name)) + "_textures"
    names: dict[int, str] = {}
    taken: set[str] = set()
    used = np.unique(appearance.face_texture)
    for number in used[used >= 0].tolist():
        own = PurePosixPath(appearance.textures[number].rpartition(INSIDE)[2].replace("\\", "/"))
        stem, suffix = _UNFIT.sub("_", own.stem) or "picture", own.suffix.lower()
        name, count = f"{stem}{suffix}", 1
        while name.lower() in taken:
            count += 1
            name = f"{stem}-{count}{suffix}"
        taken.add(name.lower())
        names[number] = f"{folder}/{name}"
    return names


def with_pictures(
    chunks: Iterable[bytes], city: CityModel, path: str | Path, names: Mapping[int, str]
) -> Iterator[bytes]:
    """The bytes of a file, and when they are through, copies of its pictures beside ``path``.

    A picture that is gone by now is left out.

    Raises
    ------
    SaveError
        The folder beside the file cannot be written.
    """
    yield from chunks
    assert city.appearance is not None
    home = Path(path).parent
    try:
        for number, name in names.items():
            _copy(city.appearance.textures[number], home / name)
    except OSError as error:
        raise SaveError("The city could not be written: {reason}.", path=path, reason=error.strerror or "") from error


def _copy(reference: str, target: Path) -> None:
    """Copy one picture, from a folder or an archive; whole or not at all."""
    archive, inside, name = reference.partition(INSIDE)
    member = Member(Path(archive), name, 0, "zip") if inside else Member(Path(reference), reference, 0, "plain")
    try:
        with member.open() as stream:
            data = stream.read(MAX_BYTES)
    except (OSError, KeyError, ReadError):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        file.write(data)
    shutil.move(file.name, target)
