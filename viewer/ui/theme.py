"""Colours, spacing and style of the interface, light and dark. Colours of the city live in ``scene``.

Text keeps a contrast of at least 4.5:1 on its ground, controls and outlines 3:1 (a test checks it).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import lru_cache

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from viewer.settings import assets_folder

#: Spacing grid, device-independent pixels.
GRID = 8
RADIUS = 8
#: Smallest side of anything clickable (WCAG 2.2, 2.5.8 asks for 24).
TARGET = 32


@dataclass(frozen=True, slots=True)
class Colors:
    """One theme. Every value is ``#rrggbb``, those ending in ``_over`` lie translucently over the city."""

    window: str
    surface: str
    raised: str
    field: str
    text: str
    muted: str
    line: str
    outline: str
    hover: str
    pressed: str
    accent: str
    accent_text: str
    on_accent: str
    accent_soft: str
    good: str
    bad: str
    warning: str
    error: str
    warning_soft: str
    error_soft: str
    glass: str
    glass_line: str


LIGHT = Colors(
    window="#eef1f4", surface="#ffffff", raised="#f6f8fa", field="#ffffff",
    text="#17212b", muted="#51606f", line="#dde3e9", outline="#8593a1",
    hover="#eaeff4", pressed="#dbe4ec",
    accent="#0b6b74", accent_text="#0a5f67", on_accent="#ffffff", accent_soft="#dff0f1",
    good="#00608f", bad="#9a4a00", warning="#8a5200", error="#b3261e",
    warning_soft="#fff3df", error_soft="#fdeceb",
    glass="rgba(255, 255, 255, 232)", glass_line="rgba(20, 40, 60, 30)",
)  # fmt: skip
DARK = Colors(
    window="#14191e", surface="#1c2329", raised="#232b32", field="#161c21",
    text="#e8edf1", muted="#a3b1bd", line="#313b44", outline="#71808d",
    hover="#2a343c", pressed="#35414b",
    accent="#2fa5ad", accent_text="#5cc6cd", on_accent="#04191b", accent_soft="#173a3e",
    good="#6db9e8", bad="#f0a35e", warning="#f2b45c", error="#ff8a80",
    warning_soft="#3a2d16", error_soft="#43201e",
    glass="rgba(28, 35, 41, 228)", glass_line="rgba(255, 255, 255, 32)",
)  # fmt: skip


class _Notifier(QObject):
    theme_changed = Signal()


_notifier = _Notifier()
#: Emitted after ``apply``; widgets that paint themselves repaint.
theme_changed = _notifier.theme_changed

_name = "light"


def name() -> str:
    """The theme shown, ``"light"`` or ``"dark"``; ``SceneState.theme`` takes the same words."""
    return _name


def colors() -> Colors:
    """The colours of the theme shown."""
    return DARK if _name == "dark" else LIGHT


def color(role: str) -> QColor:
    """One colour of the theme shown, by the name of its field."""
    return parse(getattr(colors(), role))


def parse(text: str) -> QColor:
    """A colour written as ``#rrggbb`` or ``rgba(r, g, b, a)`` with a from 0 to 255."""
    if text.startswith("rgba"):
        return QColor(*(int(part) for part in re.findall(r"\d+", text)))
    return QColor(text)


def contrast(first: str, second: str) -> float:
    """Contrast of two opaque colours after WCAG 2.2, 1 to 21."""
    light, dark = sorted((_luminance(parse(first)), _luminance(parse(second))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(value: QColor) -> float:
    parts = (value.redF(), value.greenF(), value.blueF())
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def system_theme() -> str:
    """The theme the desktop asks for; light where it does not say."""
    app = QApplication.instance()
    scheme = app.styleHints().colorScheme() if isinstance(app, QApplication) else Qt.ColorScheme.Unknown
    return "dark" if scheme == Qt.ColorScheme.Dark else "light"


def apply(app: QApplication, wish: str = "") -> None:
    """Dress the whole application; ``wish`` is ``"light"``, ``"dark"`` or ``""`` for the system's."""
    global _name
    _name = wish if wish in ("light", "dark") else system_theme()
    if app.style().objectName() != "fusion":
        app.setStyle("Fusion")
    app.setPalette(_palette(colors()))
    app.setStyleSheet(style_sheet(_name))
    theme_changed.emit()


@lru_cache(maxsize=2)
def style_sheet(theme: str) -> str:
    """The style sheet with ``@role`` replaced by the colours of a theme."""
    text = (assets_folder() / "styles" / "base.qss").read_text(encoding="utf-8")
    roles: dict[str, str] = asdict(DARK if theme == "dark" else LIGHT)
    icons = (assets_folder() / "styles").as_posix()
    roles |= {"radius": f"{RADIUS}px", "styles": icons, "theme": theme}
    return re.sub(r"@([a-z_]+)", lambda match: roles[match[1]], text)


def _palette(c: Colors) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for key, value in {
        role.Window: c.window, role.Base: c.field, role.AlternateBase: c.raised,
        role.Button: c.surface, role.ToolTipBase: c.text, role.ToolTipText: c.surface,
        role.WindowText: c.text, role.Text: c.text, role.ButtonText: c.text, role.BrightText: c.error,
        role.PlaceholderText: c.muted, role.Highlight: c.accent, role.HighlightedText: c.on_accent,
        role.Link: c.accent_text, role.LinkVisited: c.accent_text, role.Accent: c.accent,
        role.Light: c.raised, role.Midlight: c.line, role.Mid: c.outline, role.Dark: c.outline,
        role.Shadow: "#000000",
    }.items():  # fmt: skip
        palette.setColor(key, parse(value))
    for key in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, parse(c.outline))
    return palette


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget a style role (``primary``, ``quiet``, ``card``, ``title`` ...; see ``base.qss``)."""
    widget.setProperty("role", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
