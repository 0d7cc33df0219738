"""Every sentence of the session package and of the command line has its German."""

import ast
import json
import string
from pathlib import Path

import pytest

from viewer.settings import assets_folder

ROOT = Path(__file__).resolve().parents[2]
#: Calls whose first argument, or whose ``hint``, is read by people.
CALLS = {"damaged", "say", "_refuse", "Issue", "add"}
CONSTANTS = ("_WARNING", "_HINT")


def templates(package):
    """(file, text) of everything people may read."""
    for path in sorted((ROOT / "viewer" / package).glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in CALLS or (name.endswith("Error") and name != "ValueError"):
                    for value in [*node.args[:2], *(k.value for k in node.keywords if k.arg == "hint")]:
                        if isinstance(value, ast.Constant) and isinstance(value.value, str) and " " in value.value:
                            yield path.name, value.value
            elif isinstance(node, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id.endswith(CONSTANTS) for t in node.targets
            ):
                if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                    yield path.name, node.value.value
            elif isinstance(node, ast.FunctionDef) and node.name == "text":  # SafeStart.text
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return) and isinstance(inner.value, ast.Constant):
                        yield path.name, inner.value.value
            elif (
                isinstance(node, ast.AnnAssign)
                and getattr(node.target, "id", "") == "text"
                and isinstance(node.value, ast.Constant)
                and node.value.value
            ):
                yield path.name, node.value.value


def names(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("package", ["session", "cli"])
def test_every_sentence_has_its_german(package):
    found = set(templates(package))
    assert len(found) > 20, "the search for sentences finds nothing any more"
    german = {}
    for path in (assets_folder() / "translations" / "de").glob("*.json"):
        german.update(json.loads(path.read_text(encoding="utf-8")))
    untranslated = sorted((f, t) for f, t in found if t not in german and not skipped(t))
    assert not untranslated, json.dumps(untranslated, indent=1)
    for _, text in found:
        if isinstance(german.get(text), str):
            assert names(german[text]) == names(text), text


#: Beginnings of SQL, and of what only a log or a programmer sees.
INTERNAL = (
    "CREATE ", "INSERT ", "self-test failed", "the disk takes", "the file is shorter", "not a plain", "there is none",
)  # fmt: skip


def skipped(text):
    """Whether no person reads it."""
    return text.startswith(INTERNAL)
