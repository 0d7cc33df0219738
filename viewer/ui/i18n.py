"""Words on screen: looks up translations, fills in values, writes numbers as the language does.

The English text is the key. German lives in ``assets/translations/de/*.json``. The made-up language
``"xx"`` wraps every text that went through here, so that a test can see what did not.
"""

from __future__ import annotations

import json
import logging
import string
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, QTranslator, Signal

from viewer.errors import ViewerError
from viewer.settings import assets_folder

LANGUAGES: dict[str, str] = {"de": "Deutsch", "en": "English"}
PSEUDO = "xx"

_log = logging.getLogger(__name__)


class _Notifier(QObject):
    language_changed = Signal()


_notifier = _Notifier()
#: Emitted after ``set_language``; widgets set their texts again.
language_changed = _notifier.language_changed

_language = "en"
_qt_translator: QTranslator | None = None


class _Formatter(string.Formatter):
    """Fills templates that may come from plugins: plain names only, and a missing value stays visible."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        if field_name in kwargs:
            return kwargs[field_name], field_name
        return "{" + field_name + "}", field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return str(value)
        if not format_spec:
            return number(value, 0 if isinstance(value, int) else None)
        try:
            return locale_digits(format(value, format_spec))
        except ValueError:
            return str(value)


_formatter = _Formatter()


def language() -> str:
    """The language shown: ``"de"``, ``"en"`` or ``"xx"``."""
    return _language


def system_language() -> str:
    """The language of the system as far as there is a translation, else English."""
    code = QLocale.system().name().split("_")[0]
    return code if code in LANGUAGES else "en"


def set_language(code: str) -> None:
    """Show another language; ``""`` means the one of the system. Widgets follow at once."""
    global _language
    code = code or system_language()
    if code not in LANGUAGES and code != PSEUDO:
        raise ValueError(f"no translation {code!r}; there are {', '.join(LANGUAGES)}")
    changed = code != _language
    _language = code
    _install_qt_translation(code)
    QLocale.setDefault(locale())
    if changed:
        language_changed.emit()


def _install_qt_translation(code: str) -> None:
    """Qt's own words (buttons of dialogs, context menus)."""
    global _qt_translator
    app = QCoreApplication.instance()
    if app is None:
        return
    if _qt_translator is not None:
        app.removeTranslator(_qt_translator)
        _qt_translator = None
    if code != "en" and code != PSEUDO:
        translator = QTranslator(app)
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        if translator.load(f"qtbase_{code}", folder):
            app.installTranslator(translator)
            _qt_translator = translator


_sources: list[Callable[[str], dict[str, str | dict[str, str]]]] = []


def add_source(source: Callable[[str], dict[str, str | dict[str, str]]]) -> None:
    """Translations from elsewhere (plugins): called with a language; our own tables win."""
    _sources.append(source)
    catalogue.cache_clear()


@lru_cache(maxsize=4)
def catalogue(code: str) -> dict[str, str | dict[str, str]]:
    """Every translation into ``code``, merged from its files; broken files are logged and left out."""
    merged: dict[str, str | dict[str, str]] = {}
    for source in reversed(_sources):
        merged.update(source(code))
    folder = assets_folder() / "translations" / code
    for path in sorted(folder.glob("*.json")):
        try:
            merged.update(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            _log.warning("The translation %s could not be read: %s", path.name, error)
    return merged


def tr(text: str, /, **values: object) -> str:
    """``text`` in the current language, with ``{names}`` filled in. Numbers follow the language.

    ``text`` must be a literal template, never an f-string: the test of completeness reads the code.
    """
    if not text:
        return ""
    if _language == PSEUDO:
        return f"⟦{_fill(text, values)}⟧"
    found = catalogue(_language).get(text, text) if _language != "en" else text
    if isinstance(found, dict):
        found = found.get("other", text)
    return _fill(found, values)


def trn(one: str, many: str, n: int, /, **values: object) -> str:
    """Like ``tr``, in the form for ``n`` things; ``{n}`` is filled in. ``one`` is the key."""
    values = {"n": n, **values}
    english = one if n == 1 else many
    if _language == PSEUDO:
        return f"⟦{_fill(english, values)}⟧"
    found = catalogue(_language).get(one, english) if _language != "en" else english
    if isinstance(found, dict):
        found = found.get("one" if n == 1 else "other", english)
    return _fill(found, values)


def _fill(template: str, values: dict[str, object]) -> str:
    if "{" not in template and "}" not in template:
        return template
    if not values:
        return template
    try:
        return _formatter.vformat(template, (), values)
    except (ValueError, IndexError):  # a stray brace in a text from outside
        return template


def bind(setter: Callable[[str], object], text: str, /, **values: object) -> None:
    """Set a text of a widget now and again whenever the language changes.

    ``setter`` is a bound method of the widget (``button.setText``); the binding ends with the widget.
    """
    _Binding(setter, text, values)


class _Binding(QObject):
    """Lives as a child of the widget whose text it keeps."""

    def __init__(self, setter: Callable[[str], object], text: str, values: dict[str, object]) -> None:
        super().__init__(setter.__self__)  # type: ignore[attr-defined]
        self._setter, self._text, self._values = setter, text, values
        self.apply()
        language_changed.connect(self.apply)

    def apply(self) -> None:
        """Set the text in the current language."""
        self._setter(tr(self._text, **self._values))


def error_text(error: ViewerError) -> tuple[str, str, str]:
    """Sentence, hint and path of an error, translated; hint and path may be empty."""
    return (
        tr(error.text, **error.values),
        tr(error.hint, **error.values) if error.hint else "",
        str(error.path) if error.path is not None else "",
    )


@lru_cache(maxsize=4)
def _locale_of(code: str) -> QLocale:
    if code == "de":
        return QLocale(QLocale.Language.German, QLocale.Country.Germany)
    return QLocale(QLocale.Language.English, QLocale.Country.UnitedKingdom)


def locale() -> QLocale:
    """How numbers and dates are written."""
    return _locale_of(_language)


def locale_digits(text: str) -> str:
    """A number written by Python (``1,234.5``) with the separators of the language."""
    if _language != "de":
        return text
    return text.translate(str.maketrans({",": ".", ".": ","}))


def number(value: float, digits: int | None = 0) -> str:
    """A number as the language writes it; ``digits=None`` drops trailing zeros (at most 3 decimals)."""
    if digits is None:
        text = f"{value:,.3f}".rstrip("0").rstrip(".")
    else:
        text = f"{value:,.{digits}f}"
    if text.lstrip("-") in ("0", "0." + "0" * (digits or 0)):
        text = text.lstrip("-")
    return locale_digits(text).replace("-", "−")
