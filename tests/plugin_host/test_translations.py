"""Every text of the host and the contract for people has a German one with the same named values."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "assets" / "translations" / "de" / "plugins.json"
CALLS = {"ReadError", "LimitError", "PluginError", "PluginBug", "CrsError", "warn", "info", "report", "with_state",
         "_refuse"}  # fmt: skip


def spoken_texts() -> set[str]:
    texts = set()
    for path in [*ROOT.glob("viewer/plugin_host/*.py"), *ROOT.glob("viewer/plugin_api/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            logged = isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "log"
            if name not in CALLS or logged:
                continue
            values = [*node.args, *(k.value for k in node.keywords if k.arg == "hint")]
            texts |= {v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)}
    own = tomllib.loads((ROOT / "viewer" / "readers" / "plugin.toml").read_text(encoding="utf-8"))
    texts |= {own["title"], own["description"], *(reader["title"] for reader in own["readers"])}
    return {text for text in texts if " " in text}


def test_every_text_has_a_german_one():
    german = {text for table in TABLE.parent.glob("*.json") for text in json.loads(table.read_text(encoding="utf-8"))}
    assert len(spoken_texts()) > 60
    assert not spoken_texts() - german


def test_translations_name_the_same_values():
    for text, translation in json.loads(TABLE.read_text(encoding="utf-8")).items():
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", translation)), text
