"""Collects every text for people from the code: what the test of completeness and translators read."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Functions and the positions of their text arguments.
CALLS: dict[str, tuple[int, ...]] = {
    "tr": (0,),
    "trn": (0,),
    "bind": (1,),
    "label": (0,),
    "button": (0,),
    "tool": (1,),
    "Section": (0,),
    "say": (0,),
    "ask": (0,),
    "report": (1,),
    "warn": (0,),
    "info": (0,),
    "_combo": (0,),
    "_tile": (0,),
    "BigButton": (0,),
}
#: Keywords that hold text wherever they stand.
KEYWORDS = {"text", "hint", "method", "sentence", "formula", "unit", "source"}
_UI_ONLY = {"BigButton", "label", "button", "tool", "Section", "say", "ask", "_combo", "_tile", "bind"}
_LOGGERS = {"_log", "log", "logging", "logger"}


@dataclass
class Texts:
    """What was found: text -> places, and calls that hide their text from this reader."""

    found: dict[str, list[str]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    def add(self, text: str, place: str) -> None:
        if any(letter.isalpha() for letter in text):
            self.found.setdefault(text, []).append(place)


def collect(*folders: Path) -> Texts:
    """Every text in the Python files below ``folders``."""
    texts = Texts()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            _Reader(texts, path.relative_to(ROOT).as_posix()).visit(tree)
    return texts


class _Reader(ast.NodeVisitor):
    def __init__(self, texts: Texts, name: str) -> None:
        self.texts, self.name = texts, name
        self.ui = "viewer/ui/" in name

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        called = node.func
        name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
        owner = called.value.id if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) else ""
        if owner in _LOGGERS or (name in _UI_ONLY and not self.ui):
            return
        if any(k.arg == "translate" and isinstance(k.value, ast.Constant) and not k.value.value for k in node.keywords):
            return
        for at in CALLS.get(name, ()):
            if at < len(node.args):
                self._take(node.args[at], strict=name in ("tr", "trn"))
        if name.endswith("Error") and node.args and name not in _PYTHON_ERRORS:
            self._take(node.args[0])
        if name == "ask" and len(node.args) > 1 and isinstance(node.args[1], ast.Tuple):
            for choice in node.args[1].elts:
                if isinstance(choice, ast.Tuple) and choice.elts:
                    self._take(choice.elts[0])
        for keyword in node.keywords:
            if keyword.arg in KEYWORDS and (self.ui or keyword.arg not in ("source",)):
                self._take(keyword.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        if isinstance(node.target, ast.Name) and node.target.id in KEYWORDS and node.value is not None:
            self._take(node.value)

    def _take(self, node: ast.expr, *, strict: bool = False) -> None:
        place = f"{self.name}:{node.lineno}"
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and node.value:
                self.texts.add(node.value, place)
        elif isinstance(node, ast.IfExp):
            self._take(node.body, strict=strict)
            self._take(node.orelse, strict=strict)
        elif isinstance(node, ast.JoinedStr) and strict:
            self.texts.unreadable.append(f"{place}: f-string in a text")


_PYTHON_ERRORS = {
    "ValueError", "TypeError", "KeyError", "RuntimeError", "NotImplementedError", "OSError", "IndexError",
    "FileNotFoundError", "AssertionError", "ImportError", "AttributeError", "PermissionError", "FileExistsError",
    "BlockingIOError", "EOFError", "ZipError", "ExpatError", "InterruptedError",
}  # fmt: skip
