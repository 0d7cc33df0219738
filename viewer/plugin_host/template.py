"""Writes a new plugin that works: manifest, module, sample data and a test that passes."""

from __future__ import annotations

import re
from pathlib import Path

from viewer.errors import PluginError

#: What could end a text in TOML, JSON or Python.
_UNSAFE = re.compile(r'[\\"{}\x00-\x1f\x7f]')

_MANIFEST = """id = "{id}"
title = "{title}"
version = "0.1.0"
api = 1
licence = "MIT"
description = "Reads points with a value from a table."

[[readers]]
title = "{title} (CSV)"
patterns = ["*.csv"]
call = "{id}:read"
sniff = "{id}:looks_like"
format = "CSV"
"""

_MODULE = '''"""{title}: points with a value from a table with the columns x, y, name and value."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from viewer.plugin_api import PointLayer, ReadContext, ReadError, number_column, read_table, text_column


def looks_like(path: Path, head: bytes) -> float:
    """How sure this reader is about a file, 0 to 1. Only the beginning of the file is handed over."""
    first_line = head.split(b"\\n", 1)[0].lower()
    return 0.95 if b"x" in first_line and b"value" in first_line and b"{id}" in path.stem.lower().encode() else 0.0


def read(path: Path, context: ReadContext) -> PointLayer:
    """One point per row; a row without a place becomes a warning."""
    table = read_table(path, context)
    if not {{"x", "y", "value"}} <= set(table.columns):
        raise ReadError("This table has no columns x, y and value.", path=path)
    x, y = number_column(table.columns["x"]), number_column(table.columns["y"])
    usable = np.isfinite(x) & np.isfinite(y)
    lines = tuple(f"line {{line}}" for line in table.lines[~usable][:20])
    context.warn("{{count}} rows have no position.", count=int((~usable).sum()), where=lines)
    xy_local = context.place(np.column_stack([x, y])[usable])
    return PointLayer(
        path.stem,
        np.column_stack([xy_local, np.full(len(xy_local), np.nan)]),
        attributes={{
            "value": number_column(table.columns["value"])[usable],
            "name": text_column(table.columns.get("name", np.full(len(x), "")))[usable],
        }},
        style_column="value",
        size_column="value",
        label_column="name",
    )
'''

_SAMPLE = """x;y;name;value
565100,5;5934200,0;School;12,5
565180,0;5934260,5;Library;30
565240,0;5934190,0;Market;7
;;Somewhere;3
"""

_TEST = '''"""Run with: python -m pytest {id}"""

from pathlib import Path

from viewer.city import Frame
from viewer.plugin_api import ReadContext
from viewer.plugin_host import PluginHost

HERE = Path(__file__).resolve().parent


def test_the_sample_is_read_by_this_plugin():
    host = PluginHost([HERE.parent])
    context = ReadContext(frame=Frame("EPSG:25832", (565000.0, 5934000.0, 0.0)), options={{"crs": "EPSG:25832"}})
    reading = host.read(HERE / "sample_{id}.csv", context)
    assert reading.reader.startswith("{id}:")
    layer = reading.layers[0]
    assert layer.attributes["value"].tolist() == [12.5, 30.0, 7.0]
    assert layer.positions_local[0, :2].tolist() == [100.5, 200.0]
    assert any(issue.count == 1 for issue in reading.report.issues)  # the row without a position
'''

_GERMAN = """{{
  "{title}": "{title}",
  "{title} (CSV)": "{title} (CSV)",
  "{{count}} rows have no position.": "{{count}} Zeilen haben keine Lage.",
  "This table has no columns x, y and value.": "Diese Tabelle hat keine Spalten x, y und value."
}}
"""

_README = """# {title}

Reads points with a value from a CSV file (columns `x`, `y`, `name`, `value`).

- `plugin.toml` says what the plugin offers; it is read without running the plugin.
- `{id}.py` does the work and takes only `viewer.plugin_api` from the viewer.
- `translations/de.json` holds the German texts.
- `test_{id}.py` checks it: `python -m pytest {id}`.
"""


def create_plugin(name: str, folder: Path) -> Path:
    """Write the plugin ``name`` as a new folder inside ``folder`` and return that folder.

    ``name`` is a title for people ("Noise maps") or an id ("noise_maps").

    Raises
    ------
    PluginError
        The name gives no id, the folder exists, or it cannot be written.
    """
    plugin_id = re.sub(r"[^a-z0-9]+", "_", _plain(name)).strip("_")[:40].strip("_")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", plugin_id):
        raise PluginError(
            "The name {name} cannot be made into the id of a plugin.",
            hint="Begin with a letter, for example: noise_maps.",
            name=repr(name[:60]),
        )
    if plugin_id in ("test", "translations", "viewer", "plugin"):
        raise PluginError("The name {name} is taken.", hint="Choose another name.", name=repr(name[:60]))
    title = " ".join(_UNSAFE.sub(" ", name).split()) if name != plugin_id else ""
    title = (title or plugin_id.replace("_", " ").capitalize())[:60]
    target = Path(folder) / plugin_id
    if target.exists():
        raise PluginError("There is already a folder of this name.", hint="Choose another name.", path=target)
    texts = {
        "plugin.toml": _MANIFEST,
        f"{plugin_id}.py": _MODULE,
        f"test_{plugin_id}.py": _TEST,
        "translations/de.json": _GERMAN,
        "README.md": _README,
    }
    files = {file: text.format(id=plugin_id, title=title) for file, text in texts.items()}
    files[f"sample_{plugin_id}.csv"] = _SAMPLE
    try:
        for file, text in files.items():
            path = target / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise PluginError(
            "The plugin cannot be written ({reason}).", path=target, reason=error.strerror or str(error)
        ) from error
    return target


def _plain(name: str) -> str:
    """Small letters with German umlauts spelled out."""
    spelled = name.strip().lower()
    for letter, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        spelled = spelled.replace(letter, plain)
    return spelled
