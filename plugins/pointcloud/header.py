"""The header of a LAS, LAZ or COPC file, checked against the size of the file before anything believes it."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from viewer.plugin_api import ReadError

_FIXED = struct.Struct("<4sHH16sBB32s32sHHHIIBHI")
#: Packed points take this little at least, bytes; a header that claims more is damaged.
_LEAST_PACKED = 0.02
_MOST_RECORDS, _MOST_TEXT = 1000, 60_000
_FORMATS = range(11)


@dataclass(frozen=True, slots=True)
class Header:
    """What is needed of a header. count : points that can be there. claimed : points it claims."""

    version: str
    point_format: int
    packed: bool
    count: int
    claimed: int
    copc: bool
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    crs: str


def read_header(path: Path) -> Header:
    """Read and check a header.

    Raises
    ------
    ReadError
        It is no LAS file, or what it says cannot be.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(375)
        if len(head) < 227 or head[:4] != b"LASF":
            raise ReadError("The content of this file is not what its name says.", path=path)
        fields = _FIXED.unpack_from(head)
        major, minor = fields[4], fields[5]
        header_size, first, records, kind, length = fields[10], fields[11], fields[12], fields[13], fields[14]
        claimed = fields[15]
        packed = bool(kind & 0x80)
        point_format = kind & 0x3F
        numbers = struct.unpack_from("<12d", head, 131)
        if (major, minor) >= (1, 4) and len(head) >= 255:
            claimed = struct.unpack_from("<Q", head, 247)[0] or claimed
        low, high = tuple(numbers[7::2]), tuple(numbers[6::2])
        scales = numbers[:3]
        if (
            major != 1 or point_format not in _FORMATS or not header_size <= first <= size or not length
            or not all(s > 0 and s < 1e6 for s in scales) or not all(abs(n) < 1e12 for n in numbers)
        ):  # fmt: skip
            raise ReadError("The header of this point cloud is damaged.", path=path)
        crs, copc = _records(file, header_size, first, min(records, _MOST_RECORDS))
    room = size - first
    count = min(claimed, int(room / _LEAST_PACKED) if packed else room // length)
    if not count:
        raise ReadError("There are no points in this file.", path=path)
    if packed and claimed > count:
        raise ReadError(
            "The header claims {claimed} points, which a file of {size} bytes cannot hold.", path=path,
            claimed=claimed, size=size,
        )  # fmt: skip
    return Header(f"{major}.{minor}", point_format, packed, count, claimed, copc, low, high, crs)  # type: ignore[arg-type]


def _records(file, start: int, end: int, records: int) -> tuple[str, bool]:
    """The coordinate system in the variable-length records, "" for none, and whether the file is a COPC."""
    crs, copc = "", False
    file.seek(start)
    for _ in range(records):
        head = file.read(54)
        if len(head) < 54 or file.tell() > end:
            break
        user = head[2:18].rstrip(b"\x00").decode("latin-1")
        number, length = struct.unpack_from("<HH", head, 18)
        after = file.tell() + length
        if user == "LASF_Projection" and length <= _MOST_TEXT:
            data = file.read(length)
            if number == 2112:
                crs = data.rstrip(b"\x00").decode("utf-8", "replace").strip() or crs
            elif number == 34735 and not crs:
                crs = _from_keys(data)
        copc = copc or (user == "copc" and number == 1)
        file.seek(after, os.SEEK_SET)
    return crs, copc


def _from_keys(data: bytes) -> str:
    """``EPSG:code`` of GeoTIFF keys, "" if they name none."""
    values = struct.unpack(f"<{len(data) // 2}H", data[: len(data) // 2 * 2])
    keys = {values[i]: values[i + 3] for i in range(4, len(values) - 3, 4) if values[i + 1] == 0}
    code = next((keys[key] for key in (3072, 2048) if 1024 <= keys.get(key, 0) < 32767), 0)
    return f"EPSG:{code}" if code else ""
