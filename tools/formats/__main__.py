"""``python -m tools.formats [DATA] [--pictures]``: write ``docs/formats.md`` from what is done with real files.

DATA is a folder of city data (``../shared/data`` by default). Every file some reader takes is opened once in a fresh
cache; counts are compared with those of ``counting``, which knows nothing of the readers.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.formats.counting import ALL, count
from viewer.city import PointContent, StreamedLayer
from viewer.errors import ViewerError
from viewer.plugin_api import ReadContext
from viewer.plugin_host import PluginHost, Reading

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "formats.md"
PICTURES = ROOT / "docs" / "pictures" / "formats"
#: Parts of something that is opened as a whole, and what is no data.
_PARTS = (
    ".dbf", ".shx", ".prj", ".cpg", ".sbn", ".jpg", ".jpeg", ".png", ".gif", ".bmp", ".md", ".subtree", ".tfw",
)  # fmt: skip
_PART_FOLDERS = ("content", "tiles", "subtrees", "textures", "appearance")


@dataclass(frozen=True, slots=True)
class Row:
    """One file: what ``stadtforum info`` says, and how many objects another way of counting finds."""

    file: Path
    size: int
    facts: dict[str, Any]
    counted: dict[str, int] | None

    @property
    def agrees(self) -> bool | None:
        """Whether both counts are the same, with what was reported as left out; None where nobody else counted."""
        if self.counted is None or "objects" not in self.facts:
            return None
        found = self.facts["objects"]
        if ALL in self.counted:
            left_out = sum(m["count"] for m in self.facts["messages"] if "left out" in m["text"])
            return sum(found.values()) in (self.counted[ALL], self.counted[ALL] - left_out)
        return all(found.get(kind, 0) == number for kind, number in self.counted.items())


def files_of(data: Path) -> Iterator[Path]:
    """Every file that stands for something to open."""
    for path in sorted(data.rglob("*")):
        if not path.is_file() or path.suffix.lower() in _PARTS or path.name in ("LICENSE", "README.md"):
            continue
        if any(part.lower() in _PART_FOLDERS for part in path.relative_to(data).parts[:-1]):
            continue
        if path.suffix.lower() in (".glb", ".b3dm") and (path.parent / "tileset.json").exists():
            continue
        yield path


def look(path: Path, host: PluginHost) -> Row:
    """Open one file as the program does."""
    counted = count(path)
    try:
        reading = host.read(path, ReadContext())
    except ViewerError as error:
        return Row(path, path.stat().st_size, {"error": str(error)}, counted)
    report = reading.report
    facts = {
        "format": report.format,
        "version": report.version,
        "crs": report.crs,
        "objects": _objects(reading),
        "lods": list(report.lods),
        "triangles": report.triangles,
        "seconds": report.seconds,
        "messages": [{"text": str(issue), "count": issue.count} for issue in report.issues],
    }
    return Row(path, path.stat().st_size, facts, counted)


def _objects(reading: Reading) -> dict[str, int]:
    """Objects by type; of a streamed layer what all its tiles hold, found by loading every one."""
    streamed = [layer for layer in reading.layers if isinstance(layer, StreamedLayer)]
    if not streamed:
        return dict(reading.report.objects)
    features = points = 0
    for layer in streamed:
        node = 0
        while node < len(layer.tree):
            nodes = layer.tree.nodes
            replaced = not nodes.add[node] and (nodes.parent == node).any()
            if nodes.holds[node]:
                for part in layer.contents(node):
                    if isinstance(part, PointContent):
                        points += len(part.positions)
                    elif not replaced:
                        features += part.feature_count
            node += 1
    return {name: number for name, number in (("Feature", features), ("Point", points)) if number}


def table(rows: list[Row], data: Path) -> list[str]:
    """The table, one line per file."""
    lines = [
        "| file | format | CRS | objects | counted otherwise | LoD | triangles | s | MB/s | messages |",
        "|---|---|---|---|---|---|---:|---:|---:|---|",
    ]
    for row in rows:
        name = row.file.relative_to(data).as_posix()
        facts = row.facts
        if "error" in facts:
            lines.append(f"| {name} | not opened | | | | | | | | {_cell(facts['error'].replace(str(data), '...'))} |")
            continue
        objects = ", ".join(f"{number:,} {kind}" for kind, number in facts["objects"].items())
        agrees = {True: "the same", False: "**differs**", None: "-"}[row.agrees]
        seconds = max(float(facts["seconds"]), 0.001)
        texts = "; ".join(
            m["text"] + (f" ({m['count']})" if m["count"] > 1 and f"{m['count']}" not in m["text"] else "")
            for m in facts["messages"]
        )
        lines.append(
            f"| {name} | {facts['format']} {facts['version']} | {facts['crs'] or 'none'} | {objects} | {agrees} "
            f"| {', '.join(facts['lods']) or '-'} | {facts['triangles']:,} | {seconds:.2f} "
            f"| {row.size / 1e6 / seconds:.1f} | {_cell(texts)} |"
        )
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def page(rows: list[Row], data: Path, pictures: list[tuple[str, Path]]) -> str:
    """The whole page."""
    opened = [row for row in rows if "error" not in row.facts]
    compared = [row for row in opened if row.agrees is not None]
    lines = [
        "# What opens",
        "",
        "Written by `python -m tools.formats --pictures` over a folder of real data that is not part of the project.",
        f"{len(opened)} of {len(rows)} files were opened as cities or layers. For {len(compared)} of them the objects "
        f"were counted by other means than the readers (`tools/formats/counting.py`); "
        f"{sum(bool(row.agrees) for row in compared)} counts agree, with what the report says was left out. "
        "Seconds are those of a first opening on two shared cores; MB/s count the file as it lies on the disk.",
        "",
        *table(rows, data),
        "",
    ]
    if pictures:
        lines += ["## What it looks like", "", "One data set per format, drawn by `stadtforum snapshot`.", ""]
        lines += ["| | |", "|---|---|"]
        for left in range(0, len(pictures), 2):
            pair = pictures[left : left + 2]
            cells = [f"![{title}]({path.relative_to(PAGE.parent).as_posix()})<br>{title}" for title, path in pair]
            lines.append("| " + " | ".join([*cells, *[""] * (2 - len(cells))]) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=ROOT.parent / "shared" / "data")
    parser.add_argument("--pictures", action="store_true", help="draw the pictures again, too")
    parser.add_argument("--only", default="", help="files whose path contains this; prints the table only")
    options = parser.parse_args()
    if not options.data.is_dir():
        print("There is no folder of data to look at.", file=sys.stderr)
        return 2
    data = options.data.resolve()
    files = [path for path in files_of(data) if options.only in path.as_posix()]
    with tempfile.TemporaryDirectory() as home:
        os.environ["STADTFORUM_HOME"] = home
        from viewer.cli.opening import make_host

        host, rows = make_host(), []
        for path in files:
            rows.append(look(path, host))
            verdict = rows[-1].facts.get("error") or {True: "agrees", False: "DIFFERS", None: ""}[rows[-1].agrees]
            print(f"{path.relative_to(data)}: {verdict}", flush=True)
        if options.only:
            print("\n".join(table(rows, data)))
            return 0
        from tools.formats.pictures import draw, there

        pictures = draw(data, PICTURES, Path(home)) if options.pictures else there(PICTURES)
    PAGE.write_text(page(rows, data, pictures), encoding="utf-8")
    print(PAGE.relative_to(ROOT))
    return int(any(row.agrees is False for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
