"""The line icons of ``assets/icons``, drawn in the colours of the theme at any pixel ratio."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from PySide6.QtCore import QByteArray, QObject, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from viewer.settings import assets_folder
from viewer.ui import theme

#: Pixels drawn ahead; Qt takes the next larger one for the pixel ratio of the screen.
_SIZES = (20, 24, 40, 48)


@lru_cache(maxsize=128)
def _source(name: str) -> str:
    return (assets_folder() / "icons" / f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=1024)
def pixmap(name: str, color: str, size: int, ratio: float = 1.0) -> QPixmap:
    """An icon as a picture, ``size`` in device-independent pixels, ``color`` as ``#rrggbb``."""
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(_source(name).replace("#000", color).encode()))
    painter = QPainter(picture)
    renderer.render(painter, QRectF(0, 0, picture.width(), picture.height()))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def icon(name: str, role: str = "text") -> QIcon:
    """An icon in the theme's colour ``role``; pressed toggles take the accent, disabled ones fade."""
    colors = theme.colors()
    made = QIcon()
    for size in _SIZES:
        made.addPixmap(pixmap(name, getattr(colors, role), size))
        made.addPixmap(pixmap(name, colors.outline, size), QIcon.Mode.Disabled)
        if role == "text":
            made.addPixmap(pixmap(name, colors.accent_text, size), QIcon.Mode.Normal, QIcon.State.On)
    return made


def bind_icon(setter: Callable[[QIcon], object], name: str, role: str = "text") -> None:
    """Set an icon now and again whenever the theme changes; ends with the widget of ``setter``.

    A second call for the same widget replaces the first.
    """
    owner: QObject = setter.__self__  # type: ignore[attr-defined]
    for known in owner.findChildren(_Binding, options=Qt.FindChildOption.FindDirectChildrenOnly):
        known.rebind(name, role)
        return
    _Binding(setter, name, role)


class _Binding(QObject):
    """Lives as a child of the widget whose icon it keeps."""

    def __init__(self, setter: Callable[[QIcon], object], name: str, role: str) -> None:
        super().__init__(setter.__self__)  # type: ignore[attr-defined]
        self._setter, self._name, self._role = setter, name, role
        self.apply()
        theme.theme_changed.connect(self.apply)

    def rebind(self, name: str, role: str) -> None:
        """Keep another icon from now on."""
        if (name, role) != (self._name, self._role):
            self._name, self._role = name, role
            self.apply()

    def apply(self) -> None:
        """Set the icon in the current colours."""
        self._setter(icon(self._name, self._role))
