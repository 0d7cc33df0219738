"""The session: it alone holds the current document, and tells the others when it changes."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from psygnal import Signal

from viewer.session.document import Document


class Edit(Protocol):
    """One change of the document. ``undoable = False`` marks edits that only change what is looked at."""

    text: ClassVar[str]

    def apply(self, document: Document) -> Document:
        """The document after the edit."""
        ...


class Session:
    """State of one planning session. Knows neither Qt nor VTK.

    Undo returns to an earlier value; there are no inverse operations to get wrong. History has no end.
    """

    #: (old document, new document), after every change of any kind.
    changed = Signal(Document, Document)
    #: (edit, merged), before ``changed``, for the journal; ``None`` for undo, redo and opening. ``merged``
    #: tells that the edit went on with the last step instead of starting one.
    edited = Signal(object, bool)
    #: (document, path or None): what is on disk now, after saving and opening. Document None: nothing of it.
    saved = Signal(object, object)

    def __init__(self, document: Document | None = None) -> None:
        self._document = Document() if document is None else document
        self._undo: list[tuple[Edit, Document]] = []
        self._redo: list[tuple[Edit, Document]] = []
        self._saved: Document | None = self._document
        self._path: Path | None = None
        self._gesture: tuple[object, ...] | None = None

    @property
    def document(self) -> Document:
        """The current document."""
        return self._document

    @property
    def path(self) -> Path | None:
        """The session file this was opened from or last saved to."""
        return self._path

    @property
    def modified(self) -> bool:
        """Whether something differs from the last saved state."""
        return self._document != self._saved

    @property
    def undo_edit(self) -> Edit | None:
        """What undo would take back; its ``text`` with ``edit_values`` is what a person reads."""
        return self._undo[-1][0] if self._undo else None

    @property
    def redo_edit(self) -> Edit | None:
        """What redo would bring back."""
        return self._redo[-1][0] if self._redo else None

    def edit(self, edit: Edit, *, merge: bool = False) -> None:
        """Apply one edit; with ``merge`` it continues the gesture of the last one (same lever and target,
        same layer ...), so that a drag is one step."""
        new = edit.apply(self._document)
        if new == self._document:
            return
        old = self._document
        merged = False
        if getattr(edit, "undoable", True):
            gesture = _gesture(edit)
            merged = merge and bool(self._undo) and self._gesture == gesture
            if not merged:
                self._undo.append((edit, old))
            self._gesture = gesture
            self._redo.clear()
        self._document = new
        self.edited.emit(edit, merged)
        self.changed.emit(old, new)

    def end_gesture(self) -> None:
        """The drag is over: the next edit starts a new step."""
        self._gesture = None

    def undo(self) -> None:
        """Return to the value before the last step."""
        if self._undo:
            edit, document = self._undo.pop()
            self._redo.append((edit, self._document))
            self._go_to(document)

    def redo(self) -> None:
        """Bring the last undone step back."""
        if self._redo:
            edit, document = self._redo.pop()
            self._undo.append((edit, self._document))
            self._go_to(document)

    def open(self, document: Document, *, saved: bool = True, path: Path | None = None) -> None:
        """Replace everything, with empty history. ``saved=False`` for recovered work, which then counts
        as modified; ``path`` is the session file it belongs to."""
        old, self._document = self._document, document
        self._undo.clear()
        self._redo.clear()
        self._gesture = None
        self._saved = document if saved else None
        self._path = path
        self.edited.emit(None, False)
        self.changed.emit(old, document)
        self.saved.emit(self._saved, path)

    def mark_saved(self, path: Path | None = None) -> None:
        """The current document is on disk, in ``path`` from now on if one is given."""
        self._saved = self._document
        self._path = self._path if path is None else path
        self.saved.emit(self._document, self._path)

    def _go_to(self, document: Document) -> None:
        old, self._document = self._document, document
        self._gesture = None
        self.edited.emit(None, False)
        self.changed.emit(old, document)


def edit_values(edit: object) -> dict[str, object]:
    """The values an edit's ``text`` template speaks of."""
    if not is_dataclass(edit):
        return {}
    values = {f.name: getattr(edit, f.name) for f in fields(edit)}
    if hasattr(edit, "title"):
        values["title"] = edit.title
    return values


def _gesture(edit: object) -> tuple[object, ...]:
    """What makes two edits one gesture: same kind, same lever, target or layer."""
    values = edit_values(edit)
    return (type(edit), values.get("parameter"), values.get("target"), values.get("key"), values.get("name"))
