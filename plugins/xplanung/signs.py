"""What the codes of a plan mean, and its signs: colours and short names after PlanZV 1990, simplified."""

from __future__ import annotations

from .document import PlanObject

#: Uses of building land by their code: short name, name, colour.
USES: dict[str, tuple[str, str, str]] = {
    "1000": ("WS", "Kleinsiedlungsgebiet", "#dfb39c"),
    "1100": ("WR", "Reines Wohngebiet", "#d9a58c"),
    "1200": ("WA", "Allgemeines Wohngebiet", "#cf9377"),
    "1300": ("WB", "Besonderes Wohngebiet", "#c28163"),
    "1400": ("MD", "Dorfgebiet", "#e0bb6c"),
    "1450": ("MDW", "Dörfliches Wohngebiet", "#dcb25a"),
    "1500": ("MI", "Mischgebiet", "#d5a744"),
    "1550": ("MU", "Urbanes Gebiet", "#c6983a"),
    "1600": ("MK", "Kerngebiet", "#ab7f2c"),
    "1700": ("GE", "Gewerbegebiet", "#b9b8aa"),
    "1800": ("GI", "Industriegebiet", "#96948a"),
    "2000": ("SO", "Sondergebiet Erholung", "#fea461"),
    "2100": ("SO", "Sondergebiet", "#fe7f26"),
    "3000": ("SO", "Wochenendhausgebiet", "#feb27a"),
    "4000": ("SO", "Sondergebiet", "#fe7f26"),
}
GENERAL_USES: dict[str, tuple[str, str, str]] = {
    "1000": ("W", "Wohnbaufläche", "#d59d83"),
    "2000": ("M", "Gemischte Baufläche", "#d5a744"),
    "3000": ("G", "Gewerbliche Baufläche", "#a6a596"),
    "4000": ("S", "Sonderbaufläche", "#fe7f26"),
}
_BUILDING_LAND = ("", "Baugebiet", "#d9cdbf")

#: Other areas by a part of the name of their class: name, colour. The first that fits.
AREAS: tuple[tuple[str, str, str], ...] = (
    ("GemeinbedarfsFlaeche", "Gemeinbedarf", "#e98bb6"),
    ("Gemeinbedarf", "Gemeinbedarf", "#e98bb6"),
    ("SpielSportanlagen", "Sport- und Spielanlagen", "#b5d67a"),
    ("VerkehrsflaecheBesondererZweckbestimmung", "Verkehrsfläche besonderer Zweckbestimmung", "#f3e08a"),
    ("StrassenVerkehrsFlaeche", "Straßenverkehrsfläche", "#ffd92f"),
    ("Strassenverkehr", "Straßenverkehr", "#ffd92f"),
    ("Schienenverkehr", "Bahnanlage", "#b9a6c9"),
    ("Luftverkehr", "Flugverkehr", "#c9bcd6"),
    ("Verkehrs", "Verkehrsfläche", "#f3e08a"),
    ("Gruen", "Grünfläche", "#9ccf6a"),
    ("KleintierhaltungFlaeche", "Kleintierhaltung", "#c3d98e"),
    ("Wald", "Wald", "#6fae8c"),
    ("Landwirtschaft", "Landwirtschaft", "#dcec9f"),
    ("Gewaesser", "Wasserfläche", "#99d9e8"),
    ("Wasserwirtschaft", "Wasserwirtschaft", "#b5e0ea"),
    ("Wasserrecht", "Wasserrecht", "#b5e0ea"),
    ("VerEntsorgung", "Ver- und Entsorgung", "#f5e663"),
    ("Abgrabung", "Abgrabung", "#d6c3a5"),
    ("Aufschuettung", "Aufschüttung", "#d6c3a5"),
    ("Bodenschaetze", "Bodenschätze", "#cbb795"),
)
#: Areas that lie over others: part of the class name, name, colour, and how far apart their hatch runs, metres (0: only
#: an outline).
OVERLAYS: tuple[tuple[str, str, str, float], ...] = (
    ("UeberbaubareGrundstuecks", "Überbaubare Fläche", "#3f7fc4", 0.0),
    ("AnpflanzungBindungErhaltung", "Anpflanzung und Erhaltung", "#3d8f3a", 4.0),
    ("SchutzPflegeEntwicklung", "Schutz, Pflege und Entwicklung", "#3d8f3a", 6.0),
    ("AusgleichsFlaeche", "Ausgleichsfläche", "#5c9f4f", 6.0),
    ("SchutzBestimmterTeile", "Naturschutz", "#2f7d4f", 6.0),
    ("Naturschutz", "Naturschutz", "#2f7d4f", 6.0),
    ("Denkmal", "Denkmalschutz", "#a8322d", 5.0),
    ("Erhaltung", "Erhaltungsbereich", "#7a5230", 6.0),
    ("Nebenanlagen", "Nebenanlagen, Stellplätze", "#c7504a", 3.0),
    ("Stellplatz", "Nebenanlagen, Stellplätze", "#c7504a", 3.0),
    ("GehFahrLeitungsrecht", "Geh-, Fahr- und Leitungsrecht", "#7d6a3c", 3.0),
    ("Immissionsschutz", "Immissionsschutz", "#8b5aa0", 5.0),
    ("FreiFlaeche", "Von Bebauung freizuhalten", "#8a8a52", 5.0),
    ("Kennzeichnung", "Kennzeichnung", "#8f6a2f", 6.0),
    ("Sanierung", "Sanierungsgebiet", "#b06a3a", 7.0),
    ("SO_Gebiet", "Gebiet nach besonderem Recht", "#a05a6f", 7.0),
)
#: Lines by a part of the name of their class: name, colour, width in metres.
LINES: tuple[tuple[str, str, str, float], ...] = (
    ("BauLinie", "Baulinie", "#d62728", 0.7),
    ("BauGrenze", "Baugrenze", "#1f6fd0", 0.7),
    ("StrassenbegrenzungsLinie", "Straßenbegrenzungslinie", "#2c9a3f", 0.6),
    ("NutzungsartenGrenze", "Grenze unterschiedlicher Nutzung", "#6b5b4b", 0.5),
    ("FirstRichtungsLinie", "Firstrichtung", "#5a5a5a", 0.4),
    ("BereichOhneEinAusfahrt", "Ohne Ein- und Ausfahrt", "#3a6f3f", 0.6),
    ("EinfahrtsbereichLinie", "Einfahrt", "#3a6f3f", 0.6),
    ("Einfahrt", "Einfahrt", "#3a6f3f", 0.6),
)
PLAN_BORDER = ("Grenze des Geltungsbereichs", "#2b2b2b", 1.6)
_ROMAN = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV", "XVI",
          "XVII", "XVIII", "XIX", "XX")  # fmt: skip
_STYLES = {"1000": "o", "2000": "g", "3000": "a"}
_POINTS = {
    "1000": "TH", "2000": "FH", "3000": "OK", "3500": "LH", "4000": "SH", "4500": "EFH", "5000": "HBA", "5500": "UK",
    "6000": "GBH", "6500": "WH",
}  # fmt: skip
#: Upper ends of a building that a limit may be meant for, the highest first.
_TOPS = ("GBH", "OK", "FH", "HBA", "TH", "WH", "")
_ABSOLUTE = ("1000", "1100", "1200")


def use_of(found: PlanObject) -> tuple[str, str, str] | None:
    """Short name, name and colour of an area of its own kind; None for overlays and everything else."""
    if "Baugebiet" in found.kind or "BebauungsFlaeche" in found.kind:
        special = found.text("besondereArtDerBaulNutzung")
        general = found.text("allgArtDerBaulNutzung")
        return USES.get(special) or GENERAL_USES.get(general) or _BUILDING_LAND
    if overlay_of(found) is not None and found.text("flaechenschluss") != "true":
        return None
    return next((("", name, color) for part, name, color in AREAS if part in found.kind), None)


def overlay_of(found: PlanObject) -> tuple[str, str, float] | None:
    """Name, colour and hatch of an area that lies over others."""
    return next(((name, color, gap) for part, name, color, gap in OVERLAYS if part in found.kind), None)


def line_of(found: PlanObject) -> tuple[str, str, float] | None:
    """Name, colour and width of a line."""
    return next(((name, color, width) for part, name, color, width in LINES if part in found.kind), None)


def limits_of(found: PlanObject) -> dict[str, float]:
    """The limits of an area as numbers, without those it does not give.

    GRZ, GFZ, BMZ, Z (storeys), GR and GF (m² of ground and floor), dwellings, height_m above ground, height_nhn_m.
    """
    limits: dict[str, float] = {}
    for name, sources in (
        ("GRZ", ("GRZ", "GRZmax")), ("GFZ", ("GFZ", "GFZmax")), ("BMZ", ("BMZ", "BMZmax")),
        ("Z", ("Z", "Zmax", "Zzwingend")), ("GR", ("GR", "GRmax")), ("GF", ("GF", "GFmax")),
        ("dwellings", ("MaxZahlWohnungen",)),
    ):  # fmt: skip
        values = [value for source in sources if (value := found.number(source)) is not None and value > 0]
        if values:
            limits[name] = max(values)
    best: dict[bool, int] = {}
    for height in found.heights:
        value = _height(height)
        point = _POINTS.get(height.get("bezugspunkt", ""), "")
        if value is None or point not in _TOPS:
            continue
        absolute = height.get("hoehenbezug", "") in _ABSOLUTE
        rank = _TOPS.index(point)
        if rank < best.get(absolute, len(_TOPS)):
            best[absolute] = rank
            limits["height_nhn_m" if absolute else "height_m"] = value
    return limits


def label_of(found: PlanObject) -> str:
    """What stands in the area on the plan: ``WA II o GRZ 0,4 GFZ 0,8``."""
    use = use_of(found)
    words = [use[0] if use is not None and use[0] else ""]
    words.append(_storeys(found))
    words.append(_STYLES.get(found.text("bauweise"), ""))
    for name in ("GRZ", "GFZ", "BMZ"):
        value = found.number(name)
        if value is None:
            value = found.number(f"{name}max")
        if value:
            words.append(f"{name} {_comma(value)}")
    if (homes := found.number("MaxZahlWohnungen")) is not None and homes > 0:
        words.append(f"{int(homes)} Wo")
    for height in found.heights:
        value = _height(height)
        if value is not None:
            point = _POINTS.get(height.get("bezugspunkt", ""), "H")
            above = " NHN" if height.get("hoehenbezug", "") in _ABSOLUTE else ""
            words.append(f"{point} {_comma(value)}{above}")
    return " ".join(word for word in words if word)


def _height(height: dict[str, str]) -> float | None:
    for name in ("hMax", "h", "hZwingend"):
        try:
            return float(height[name].replace(",", "."))
        except (KeyError, ValueError):
            continue
    return None


def _storeys(found: PlanObject) -> str:
    forced, most, least = (found.number(name) for name in ("Zzwingend", "Z", "Zmin"))
    most = found.number("Zmax") if most is None else most
    if forced:
        return f"({_roman(forced)})"
    if most and least:
        return f"{_roman(least)}–{_roman(most)}"
    return _roman(most) if most else ""


def _roman(value: float) -> str:
    number = int(value)
    return _ROMAN[number] if 0 <= number < len(_ROMAN) else str(number)


def _comma(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".").replace(".", ",")
