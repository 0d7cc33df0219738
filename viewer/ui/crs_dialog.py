"""Set or correct the coordinate system of a file by hand, and see beforehand where the data would land.

The map is drawn from a table of towns and needs no network. Reading the file again is the opener's work.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QDialog, QLineEdit, QListView, QSizePolicy, QWidget

from viewer.errors import CrsError
from viewer.readers.crs import parse_crs
from viewer.readers.crs_catalog import CrsEntry, Landing, landing, list_crs
from viewer.readers.places import PLACES
from viewer.ui import theme
from viewer.ui.i18n import bind, number, tr
from viewer.ui.theme import theme_changed
from viewer.ui.widgets import button, column, label, row

#: Offered first while nothing is searched for: what German and neighbouring offices use.
USUAL = (
    25832, 25833, 31466, 31467, 31468, 31469, 3068, 4258, 4326, 28992, 2154, 31287, 2056, 3857,
)  # fmt: skip
#: The map shows at least this many degrees.
_LEAST_DEG = 0.35


class CrsList(QAbstractListModel):
    """The systems that match what was typed."""

    def __init__(self, first: tuple[str, ...]) -> None:
        super().__init__()
        self._first = first
        self.entries: list[CrsEntry] = []
        self.search("")

    def search(self, text: str) -> None:
        """Show what contains all words; the usual ones while nothing is typed."""
        words = tuple(text.lower().split())
        known = list_crs()
        self.beginResetModel()
        if words:
            self.entries = [entry for entry in known if entry.matches(words)]
        else:
            by_code = {entry.code: entry for entry in known}
            wanted = dict.fromkeys((*self._first, *(f"EPSG:{code}" for code in USUAL)))
            self.entries = [by_code[code] for code in wanted if code in by_code]
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return len(self.entries)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{entry.code}   {entry.name}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return entry.area
        return None


class LandingMap(QWidget):
    """A plain map: graticule, towns, the open city, the region of the system, and the data."""

    def __init__(self) -> None:
        super().__init__()
        self._landing: Landing | None = None
        self._region: tuple[float, float, float, float] | None = None
        self._city: NDArray[np.float64] = np.empty((0, 2))
        self.setMinimumSize(QSize(380, 300))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        bind(self.setAccessibleName, "Map of where the data would lie")
        theme_changed.connect(self.update)

    def show_landing(
        self, found: Landing | None, region: tuple[float, float, float, float] | None, city: NDArray[np.float64]
    ) -> None:
        """Show where data would land; None for nowhere."""
        self._landing, self._region, self._city = found, region, city
        self.update()

    def window_deg(self) -> tuple[float, float, float, float]:
        """West, south, east, north of what the map shows, degrees."""
        points = []
        if self._landing is not None:
            points.append(self._landing.degrees[np.isfinite(self._landing.degrees).all(axis=1)])
            if self._landing.place and self._landing.distance_km < 400:
                lat, lon = PLACES[self._landing.place]
                points.append(np.array([[lon, lat]]))
        points.append(self._city)
        there = np.concatenate([p for p in points if len(p)] or [np.array([[-160.0, -60.0], [170.0, 75.0]])])
        low, high = there.min(axis=0), there.max(axis=0)
        middle, span = (low + high) / 2, np.maximum((high - low) * 1.5, _LEAST_DEG)
        shrink = max(np.cos(np.radians(middle[1])), 0.2)  # a degree of longitude is shorter than one of latitude
        wide = max(self.width(), 1) / max(self.height(), 1)
        tall = max(span[1], span[0] * shrink / wide)
        across = tall * wide / shrink
        west, south = middle[0] - across / 2, middle[1] - tall / 2
        return float(west), float(south), float(west + across), float(south + tall)

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(theme.color("line")))
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(frame, 8, 8)
        window = self.window_deg()
        painter.setClipRect(self.rect())
        self._paint_graticule(painter, window)
        self._paint_region(painter, window)
        self._paint_towns(painter, window)
        self._paint_points(painter, window, self._city, "muted", 2.0)
        if self._landing is not None:
            self._paint_points(painter, window, self._landing.degrees, "accent", 2.6)
            self._paint_mark(painter, window)

    def _at(self, window: tuple[float, float, float, float], lon: float, lat: float) -> QPointF:
        west, south, east, north = window
        return QPointF((lon - west) / (east - west) * self.width(), (north - lat) / (north - south) * self.height())

    def _paint_graticule(self, painter: QPainter, window: tuple[float, float, float, float]) -> None:
        west, south, east, north = window
        step = _step((east - west) / 4)
        painter.setPen(QPen(theme.color("line")))
        font = painter.font()
        font.setPointSizeF(max(7.5, font.pointSizeF() - 2))
        painter.setFont(font)
        for lon in np.arange(np.ceil(west / step) * step, east, step).tolist():
            x = self._at(window, lon, 0).x()
            painter.setPen(QPen(theme.color("line")))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
            painter.setPen(theme.color("muted"))
            painter.drawText(
                QPointF(x + 4, self.height() - 6), f"{number(abs(lon), _digits(step))}° {'E' if lon >= 0 else 'W'}"
            )
        for lat in np.arange(np.ceil(south / step) * step, north, step).tolist():
            y = self._at(window, 0, lat).y()
            painter.setPen(QPen(theme.color("line")))
            painter.drawLine(QPointF(0, y), QPointF(self.width(), y))
            painter.setPen(theme.color("muted"))
            painter.drawText(QPointF(6, y - 4), f"{number(abs(lat), _digits(step))}° {'N' if lat >= 0 else 'S'}")

    def _paint_region(self, painter: QPainter, window: tuple[float, float, float, float]) -> None:
        if self._region is None or self._region[0] > self._region[2]:
            return
        west, south, east, north = self._region
        pen = QPen(theme.color("accent_text"), 1.5, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(self._at(window, west, north), self._at(window, east, south)))

    def _paint_towns(self, painter: QPainter, window: tuple[float, float, float, float]) -> None:
        west, south, east, north = window
        taken: list[QRectF] = []
        for name, (lat, lon) in PLACES.items():
            if not (west < lon < east and south < lat < north):
                continue
            at = self._at(window, lon, lat)
            box = QRectF(painter.fontMetrics().boundingRect(name)).translated(at.x() + 6, at.y() + 4)
            box = box.adjusted(-8, -2, 4, 2)
            if any(box.intersects(other) for other in taken):
                continue
            taken.append(box)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("outline"))
            painter.drawEllipse(at, 2.5, 2.5)
            painter.setPen(theme.color("text"))
            painter.drawText(QPointF(at.x() + 6, at.y() + 4), name)

    def _paint_points(
        self, painter: QPainter, window: tuple[float, float, float, float], degrees: NDArray[np.float64], role: str,
        radius: float,
    ) -> None:  # fmt: skip
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(role))
        for lon, lat in degrees[np.isfinite(degrees).all(axis=1)].tolist():
            painter.drawEllipse(self._at(window, lon, lat), radius, radius)

    def _paint_mark(self, painter: QPainter, window: tuple[float, float, float, float]) -> None:
        """A ring round the data: on a small scale the points themselves are hardly seen."""
        assert self._landing is not None
        there = self._landing.degrees[np.isfinite(self._landing.degrees).all(axis=1)]
        if not len(there):
            return
        middle = np.median(there, axis=0)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("accent"), 2.0))
        painter.drawEllipse(self._at(window, float(middle[0]), float(middle[1])), 11, 11)


class CrsDialog(QDialog):
    """Choose a system from all there are; the map follows the choice.

    points_xy : (n, 2) as the file writes them. crs : the one it is read in now, "" for none.
    city_degrees : (n, 2) of the open city, to compare with; may be empty.
    """

    def __init__(
        self,
        title: str,
        points_xy: NDArray[np.float64],
        crs: str,
        city_degrees: NDArray[np.float64],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._points, self._city, self.crs = points_xy, city_degrees, crs
        self.setWindowTitle(tr("Coordinate system of {file}", file=title))
        self.setMinimumSize(860, 460)
        self.search = QLineEdit()
        bind(self.search.setPlaceholderText, "Search by number, name or region")
        bind(self.search.setAccessibleName, "Search by number, name or region")
        self.search.setClearButtonEnabled(True)
        self.model = CrsList((crs,) if crs else ())
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setUniformItemSizes(True)
        bind(self.list.setAccessibleName, "Coordinate systems")
        self.map = LandingMap()
        self.sentence = label(translate=False, wrap=True)
        self.sentence.setMinimumHeight(self.fontMetrics().height() * 3)
        self.use = button("Use this system", self.accept, role="primary")
        self.use.setDefault(True)
        left = QWidget()
        left.setLayout(column(self.search, self.list))
        left.setFixedWidth(360)
        right = QWidget()
        right.setLayout(column(self.map, self.sentence))
        body = row(left, spacing=16)
        body.addWidget(right, 1)
        layout = column(body, row(None, button("Cancel", self.reject), self.use), spacing=16)
        layout.setContentsMargins(24, 24, 24, 16)
        self.setLayout(layout)
        self.search.textChanged.connect(self._on_search)
        self.list.selectionModel().currentChanged.connect(lambda now, _: self._show(now))
        self.list.doubleClicked.connect(lambda _: self.accept())
        self._select_first(crs)

    def chosen(self) -> str:
        """The system chosen, ``"EPSG:25832"``; "" while none is."""
        return self.crs

    def _select_first(self, crs: str = "") -> None:
        codes = [entry.code for entry in self.model.entries]
        at = codes.index(crs) if crs in codes else 0
        if codes:
            self.list.setCurrentIndex(self.model.index(at, 0))
        else:
            self._show(QModelIndex())

    def _on_search(self, text: str) -> None:
        self.model.search(text)
        self._select_first()

    def _show(self, index: QModelIndex) -> None:
        if not index.isValid():
            self.use.setEnabled(False)
            self.sentence.setText(tr("No system matches. A number such as 25832 is enough."))
            self.map.show_landing(None, None, self._city)
            return
        entry = self.model.entries[index.row()]
        self.crs = entry.code
        try:
            found = landing(self._points, entry.code)
        except CrsError:
            found = None
        self.use.setEnabled(True)
        self.map.show_landing(found, entry.box_deg, self._city)
        self.sentence.setText(self._words(entry, found))

    def _words(self, entry: CrsEntry, found: Landing | None) -> str:
        if found is None or not found.place:
            return tr("In {crs} this file would lie nowhere on Earth.", crs=entry.code)
        words = [
            tr(
                "In {crs} this file would lie near {place}, {distance} km from its middle.",
                crs=entry.code,
                place=found.place,
                distance=number(found.distance_km),
            )
        ]
        if found.share < 0.5:
            words.append(tr("That is outside the region this system is made for: {area}", area=entry.area))
        if len(self._city):
            middle = np.nanmedian(found.degrees, axis=0)
            far = _distance_km(middle, np.median(self._city, axis=0))
            words.append(tr("The open city is {distance} km away.", distance=number(far, 1 if far < 10 else 0)))
        if not parse_crs(entry.code).known:
            words.append(tr("This system cannot be read."))
        return " ".join(words)


def _distance_km(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    shrink = np.cos(np.radians((a[1] + b[1]) / 2))
    return float(np.hypot((a[0] - b[0]) * shrink, a[1] - b[1]) * 111.2)


def _step(wish: float) -> float:
    """A round number of degrees near a wish."""
    power = 10.0 ** np.floor(np.log10(max(wish, 1e-6)))
    return float(min((1.0, 2.0, 5.0, 10.0), key=lambda f: abs(f * power - wish)) * power)


def _digits(step: float) -> int:
    return max(0, int(-np.floor(np.log10(step) + 1e-9)))
