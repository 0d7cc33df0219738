"""What makes a picture a map: scale bar, north arrow, legend, title, credits. Draws with Pillow on a finished
picture; knows no VTK and no city.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from viewer.scene.palettes import rgb

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Color = tuple[int, int, int, int]
Box = tuple[float, float, float, float]

_ELLIPSIS = "…"
#: Shapes are drawn this many times larger and made smaller again, for smooth edges.
_FINE = 4
MAX_LEGEND_ROWS = 24


@dataclass(frozen=True, slots=True)
class _Style:
    """Colours of one theme. Text on its card has a contrast of at least 7 : 1 whatever lies below."""

    card: Color
    line: Color
    text: Color
    soft: Color
    accent: Color


_STYLES = {
    "light": _Style(
        (255, 255, 255, 228), (30, 41, 59, 46), (23, 32, 46, 255), (62, 74, 92, 255), (178, 58, 46, 255)
    ),
    "dark": _Style(
        (17, 24, 39, 224), (255, 255, 255, 44), (241, 245, 249, 255), (203, 211, 222, 255), (255, 138, 112, 255)
    ),
}  # fmt: skip


def annotate(
    picture: NDArray[np.uint8],
    *,
    metres_per_pixel: float | None,
    heading_deg: float,
    legend: tuple[tuple[str, str], ...] = (),
    legend_title: str = "",
    title: str = "",
    credits: str = "",
    theme: str = "light",
) -> NDArray[np.uint8]:
    """Put scale bar, north arrow, legend, title and credits on a picture.

    Parameters
    ----------
    picture : (H, W, 3) uint8, the top row first; it stays as it is.
    metres_per_pixel : size of a pixel in the middle of the picture; None leaves the scale bar out, which a
        caller does where no single scale is honest (a slanting view from near by, walking).
    heading_deg : compass direction the camera looks towards.
    legend : (colour as ``#rrggbb``, text) rows, the first ``MAX_LEGEND_ROWS``; a last row tells of more.
    theme : "light" or "dark".

    Returns
    -------
    (H, W, 3) uint8, a new array. What does not fit is shortened, then left out; nothing leaves the picture.
    """
    height, width = picture.shape[:2]
    base = Image.fromarray(np.ascontiguousarray(picture[..., :3], dtype=np.uint8), "RGB")
    sheet = _Sheet(base, _STYLES.get(theme, _STYLES["light"]))
    if min(height, width) < 48:
        return np.asarray(base).copy()
    foot = sheet.credits(_line(credits)) if _line(credits) else 0.0
    left = sheet.scale_and_north(metres_per_pixel, heading_deg, foot)
    head = sheet.title(_line(title)) if _line(title) else 0.0
    if legend or _line(legend_title):
        sheet.legend(legend, _line(legend_title), head, foot, left)
    return np.asarray(sheet.image).copy()


def round_length(longest_m: float) -> float:
    """The largest of 1, 2, 5, 10, 20, 50 ... (also below 1) that is not longer, metres."""
    power = 10.0 ** math.floor(math.log10(longest_m))
    step = next(s for s in (5.0, 2.0, 1.0) if s * power <= longest_m * (1 + 1e-9))
    return step * power


def length_text(metres: float) -> str:
    """``2 km``, ``100 m``, ``50 cm``."""
    if metres >= 1000:
        return f"{metres / 1000:g} km"
    return f"{metres:g} m" if metres >= 1 else f"{metres * 100:g} cm"


@lru_cache(maxsize=32)
def load_font(size: int, bold: bool = False) -> Font:
    """A sans-serif font of this size in pixels: DejaVu Sans where matplotlib brings it, else Pillow's own."""
    spec = find_spec("matplotlib")
    if spec is not None and spec.origin:
        name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
        path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / name
        try:
            return ImageFont.truetype(str(path), size)
        except OSError:
            return ImageFont.load_default(size)
    return ImageFont.load_default(size)


def shorten(text: str, font: Font, widest: float) -> str:
    """The text (printable, one line), cut with an ellipsis so that it is not wider; "" if not even that fits."""
    if font.getlength(text) <= widest:
        return text
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        fits = font.getlength(text[:middle].rstrip() + _ELLIPSIS) <= widest
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low].rstrip() + _ELLIPSIS if low else ""


def wrap(text: str, font: Font, widest: float, most: int) -> list[str]:
    """At most ``most`` lines that are not wider; the last is shortened, a word too long for a line too."""
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < most:
        if len(lines) == most - 1:
            lines.append(shorten(" ".join(words), font, widest))
            break
        count = 1
        while count < len(words) and font.getlength(" ".join(words[: count + 1])) <= widest:
            count += 1
        lines.append(shorten(" ".join(words[:count]), font, widest))
        words = words[count:]
    return [line for line in lines if line]


def _line(text: str) -> str:
    """One line of printable text, not longer than anybody reads."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:2000]).split())


def _hex(color: str) -> Color:
    red, green, blue = (round(float(v) * 255) for v in rgb(color.strip()))
    return (red, green, blue, 255)


class _Sheet:
    """A picture being annotated. Lengths are pixels; ``em`` is the size of normal text."""

    def __init__(self, image: Image.Image, style: _Style) -> None:
        self.image, self.style = image, style
        self.width, self.height = image.size
        self.em = max(round(min(self.height * 0.0195, self.width * 0.03)), 9)
        self.margin = round(self.em * 1.15)
        self.hair = max(self.em * 0.06, 1.0)
        self.font, self.bold = load_font(self.em), load_font(self.em, True)
        self.small, self.head = load_font(max(round(self.em * 0.8), 8)), load_font(round(self.em * 1.35), True)

    # -- parts -------------------------------------------------------------------------------------------

    def title(self, text: str) -> float:
        """A card at the top left with up to two lines; returns where it ends."""
        pad_x, pad_y = self.em * 0.95, self.em * 0.65
        lines = wrap(text, self.head, self.width * 0.72 - 2 * pad_x, 2)
        if not lines:
            return 0.0
        step = self.em * 1.75
        w = max(self.head.getlength(line) for line in lines) + 2 * pad_x
        bottom = self.margin + step * len(lines) + 2 * pad_y - self.em * 0.25
        self.card((self.margin, self.margin, self.margin + w, bottom))
        for k, line in enumerate(lines):
            self.text(self.margin + pad_x, self.margin + pad_y + step * (k + 0.43), line, self.head)
        return bottom

    def credits(self, text: str) -> float:
        """A strip along the whole bottom with up to two lines; returns its height."""
        lines = wrap(text, self.small, self.width - 2 * self.margin, 2)
        if not lines:
            return 0.0
        step = self.em * 1.12
        h = step * len(lines) + self.em * 0.55
        self.paint(((0, self.height - h, self.width, self.height),), (0.0,), (self.style.card,))
        for k, line in enumerate(lines):
            y = self.height - h + self.em * 0.28 + step * (k + 0.5)
            self.text(self.margin, y, line, self.small, self.style.soft)
        return h

    def scale_and_north(self, metres_per_pixel: float | None, heading_deg: float, foot: float) -> Box:
        """One card at the bottom left; returns its box."""
        em, s = self.em, self.style
        honest = metres_per_pixel is not None and math.isfinite(metres_per_pixel) and 1e-6 < metres_per_pixel < 1e6
        north = math.isfinite(heading_deg)
        side = em * 3.0
        pad = em * 0.7
        length_m = bar = 0.0
        label = ""
        if honest and metres_per_pixel is not None:
            length_m = round_length(min(self.width * 0.2, em * 13) * metres_per_pixel)
            bar = length_m / metres_per_pixel
            label = length_text(length_m)
        if not honest and not north:
            return (0.0, 0.0, 0.0, 0.0)
        w_bar = max(bar, self.font.getlength(label)) + 2 * pad if honest else 0.0
        w = (side if north else pad) + w_bar
        bottom = self.height - foot - self.margin
        box = (float(self.margin), bottom - em * 3.4, self.margin + w + (pad * 0.3 if north else 0.0), bottom)
        self.card(box)
        middle = (box[1] + box[3]) / 2
        if north:
            self.north(box[0] + pad * 0.3 + side / 2, middle, em * 1.28, heading_deg)
        if honest:
            x = box[0] + (side + pad * 0.3 if north else 0.0) + pad
            y = middle + em * 0.55
            thick = max(em * 0.3, 2.0)
            half = x + bar / 2
            self.paint(
                (
                    (x, y, x + bar, y + thick),
                    (half, y + self.hair, x + bar - self.hair, y + thick - self.hair),
                ),
                (0.0, 0.0),
                (s.text, (*s.card[:3], 255)),
            )  # fmt: skip
            self.text(x, middle - em * 0.42, label, self.bold)
        return box

    def north(self, x: float, y: float, radius: float, heading_deg: float) -> None:
        """An arrow to grid north in a picture whose top is the camera's heading, and an N at its point."""
        turn = math.radians(-heading_deg)

        def at(across: float, along: float) -> tuple[float, float]:
            return (
                x + radius * (across * math.cos(turn) + along * math.sin(turn)),
                y - radius * (along * math.cos(turn) - across * math.sin(turn)),
            )

        tip, tail = at(0.0, 0.42), at(0.0, -0.62)
        self.polygon((tip, at(-0.52, -0.98), tail), self.style.accent)
        self.polygon((tip, at(0.52, -0.98), tail), self.style.text)
        nx, ny = at(0.0, 0.82)
        self.text(nx, ny, "N", load_font(max(round(self.em * 0.78), 8), True), anchor="mm")

    def legend(self, rows: tuple[tuple[str, str], ...], title: str, head: float, foot: float, left: Box) -> None:
        """A card at the bottom right, as wide as its texts need; it keeps off the title and the scale bar."""
        em, s = self.em, self.style
        pad, swatch, step = em * 0.9, em * 1.15, em * 1.62
        bottom = self.height - foot - self.margin
        widest = min(self.width * 0.4, self.width - left[2] - 2.5 * self.margin)
        titles = wrap(title, self.bold, widest - 2 * pad, 2) if title else []
        room = bottom - max(head, 0.0) - self.margin - 2 * pad - len(titles) * em * 1.45
        fit = max(min(int(room / step), MAX_LEGEND_ROWS), 0)
        shown = list(rows[:fit])
        more = len(rows) - len(shown)
        if more and shown:
            shown = shown[:-1]
            more += 1
        texts = [shorten(_line(text), self.font, widest - 2 * pad - swatch - em * 0.6) for _, text in shown]
        if more and fit:
            texts.append(f"+ {more}")
        if (not texts and not titles) or widest < em * 5:
            return
        widths = [self.font.getlength(t) + swatch + em * 0.6 for t in texts] + [self.bold.getlength(t) for t in titles]
        w = max(widths) + 2 * pad
        h = len(titles) * em * 1.45 + len(texts) * step + 2 * pad - em * 0.35 + (em * 0.15 if titles and texts else 0)
        x, y = self.width - self.margin - w, bottom - h
        self.card((x, y, x + w, bottom))
        y += pad - em * 0.15
        for line in titles:
            self.text(x + pad, y + em * 0.65, line, self.bold)
            y += em * 1.45
        y += em * 0.15 if titles else 0.0
        for k, text in enumerate(texts):
            middle = y + step * k + step / 2 - em * 0.12
            if k < len(shown):
                r = em * 0.24
                spot = (x + pad, middle - swatch / 2, x + pad + swatch, middle + swatch / 2)
                inner = (spot[0] + self.hair, spot[1] + self.hair, spot[2] - self.hair, spot[3] - self.hair)
                self.paint((spot, inner), (r, max(r - self.hair, 0.0)), (s.soft, _hex(shown[k][0])))
            self.text(x + pad + swatch + em * 0.6, middle, text, self.font)

    # -- strokes -----------------------------------------------------------------------------------------

    def card(self, box: Box) -> None:
        """A rounded, translucent card with a hair line and a soft shadow."""
        r = self.em * 0.55
        line = self.hair
        self.shadow(box, r)
        inner = (box[0] + line, box[1] + line, box[2] - line, box[3] - line)
        self.paint((box, inner), (r, r - line), (self.style.line, self.style.card))

    def shadow(self, box: Box, radius: float) -> None:
        """A soft shadow under a card, darkest below."""
        blur = self.em * 0.45
        reach = math.ceil(blur * 3)
        x0, y0, x1, y1 = (math.floor(box[0]) - reach, math.floor(box[1]) - reach,
                          math.ceil(box[2]) + reach, math.ceil(box[3]) + reach)  # fmt: skip
        mask = Image.new("L", (x1 - x0, y1 - y0), 0)
        drop = self.em * 0.12
        ImageDraw.Draw(mask).rounded_rectangle(
            (box[0] - x0, box[1] - y0 + drop, box[2] - x0, box[3] - y0 + drop), radius, fill=70
        )
        self.image.paste((8, 14, 24), (x0, y0), mask.filter(ImageFilter.GaussianBlur(blur)))

    def paint(self, boxes: tuple[Box, ...], radii: tuple[float, ...], colors: tuple[Color, ...]) -> None:
        """Rounded boxes with smooth edges, one over the other."""
        for box, radius, color in zip(boxes, radii, colors, strict=True):
            x0, y0 = math.floor(box[0]), math.floor(box[1])
            size = (max(math.ceil(box[2]) - x0, 1), max(math.ceil(box[3]) - y0, 1))
            fine = _FINE if size[0] * size[1] < 2_000_000 else 1
            mask = Image.new("L", (size[0] * fine, size[1] * fine), 0)
            edge = ((box[0] - x0) * fine, (box[1] - y0) * fine, (box[2] - x0) * fine - 1, (box[3] - y0) * fine - 1)
            if edge[2] < edge[0] or edge[3] < edge[1]:
                continue
            ImageDraw.Draw(mask).rounded_rectangle(edge, radius * fine, fill=color[3])
            self.image.paste(color[:3], (x0, y0), mask.resize(size, Image.Resampling.BOX) if fine > 1 else mask)

    def polygon(self, corners: tuple[tuple[float, float], ...], color: Color) -> None:
        """A polygon with smooth edges."""
        x0, y0 = (math.floor(min(c[k] for c in corners)) for k in (0, 1))
        size = (math.ceil(max(c[0] for c in corners)) - x0 + 1, math.ceil(max(c[1] for c in corners)) - y0 + 1)
        mask = Image.new("L", (size[0] * _FINE, size[1] * _FINE), 0)
        ImageDraw.Draw(mask).polygon([((x - x0) * _FINE, (y - y0) * _FINE) for x, y in corners], fill=color[3])
        self.image.paste(color[:3], (x0, y0), mask.resize(size, Image.Resampling.BOX))

    def text(self, x: float, y: float, text: str, font: Font, color: Color | None = None, anchor: str = "lm") -> None:
        """One line, its middle at ``y``."""
        ImageDraw.Draw(self.image).text((x, y), text, font=font, fill=(color or self.style.text)[:3], anchor=anchor)
