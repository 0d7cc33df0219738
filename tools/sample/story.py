"""The session that comes with the sample: layers, three scenarios and a story of five steps, in two languages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from tools.sample.builder import CityBuilder
from tools.sample.plan import Plan, ring_of
from tools.sample.terrain import CRS, ORIGIN, height
from viewer.scenario import Area, Scenario, Setting, Where, WholeCity
from viewer.session import Camera, Document, LayerStyle, Source, View
from viewer.session.store import save_session


@dataclass(frozen=True)
class Words:
    """What the session says in one language."""

    file: str
    title: str
    site: str
    layers: tuple[str, str, str, str]
    scenarios: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, str], ...]


GERMAN = Words(
    "auenstadt.de.stadtforum",
    "Auenstadt: was wird aus dem alten Gaswerk?",
    "Altes Gaswerk",
    ("Bäume", "Flurstücke", "Flächennutzung", "Radzählung"),
    (
        ("Höfe am Gaswerk", "Drei Wohnhöfe mit vier bis sechs Geschossen, dazu Grün bis ans Ufer."),
        ("Türme am Fluss", "Fünf schlanke Häuser lassen viel Boden frei und ragen weit über die Dächer."),
        (
            "Aufstocken und begrünen",
            "Keine neue Fläche: ein Geschoss mehr auf flachen Dächern, Gründächer und Straßenbäume.",
        ),
    ),
    (
        ("Willkommen in Auenstadt", "1.400 Häuser, ein Fluss, eine Frage: Wo ist Platz für neue Wohnungen?"),
        ("Das alte Gaswerk heute", "Hallen und Asphalt am Südufer. Fast alles ist versiegelt."),
        ("Vorschlag 1: Höfe", "Drei Wohnhöfe am Wasser. Vergleichen Sie Wohnungen und Grün mit heute."),
        ("Vorschlag 2: Türme", "Mehr Höhe, mehr freier Boden. Wie wirkt das vom anderen Ufer aus?"),
        ("Oder im Bestand?", "Ein Geschoss mehr, Gründächer und neue Bäume. Schieben Sie selbst die Regler."),
    ),
)
ENGLISH = Words(
    "auenstadt.en.stadtforum",
    "Auenstadt: what becomes of the old gasworks?",
    "Old gasworks",
    ("Trees", "Parcels", "Land use", "Cycle counts"),
    (
        ("Courtyards", "Three residential courts of four to six storeys, with green down to the bank."),
        ("Towers by the river", "Five slender houses leave much ground free and rise far above the roofs."),
        ("Build on top, plant below", "No new land: one more storey on flat roofs, green roofs and street trees."),
    ),
    (
        ("Welcome to Auenstadt", "1,400 houses, one river, one question: where is room for new homes?"),
        ("The old gasworks today", "Halls and asphalt on the south bank. Nearly everything is sealed."),
        ("Proposal 1: courtyards", "Three courts by the water. Compare homes and green with today."),
        ("Proposal 2: towers", "More height, more free ground. How does it look from the other bank?"),
        ("Or build on what is there?", "One more storey, green roofs and new trees. Move the sliders yourself."),
    ),
)


def _camera(target: tuple[float, float], distance: float, heading_deg: float, tilt_deg: float) -> Camera:
    """Looks at a place from a compass direction (0 = camera in the north) at an angle above the horizon."""
    x, y = target
    z = float(height(np.array([target]))[0])
    a, t = np.radians(heading_deg), np.radians(tilt_deg)
    flat = distance * np.cos(t)
    eye = (x + flat * np.sin(a), y + flat * np.cos(a), z + distance * np.sin(t))
    return Camera(
        (round(eye[0] + ORIGIN[0], 1), round(eye[1] + ORIGIN[1], 1), round(eye[2], 1)),
        (round(x + ORIGIN[0], 1), round(y + ORIGIN[1], 1), round(z, 1)),
    )


def write_sessions(folder: Path, plan: Plan, city: CityBuilder) -> None:
    """One session file per language into ``folder``."""
    site = next(b.shape for b in plan.blocks if b.kind == "B")
    ring = tuple((round(x + ORIGIN[0], 1), round(y + ORIGIN[1], 1)) for x, y in ring_of(site.simplify(3.0)))
    centre = shapely.get_coordinates(site.centroid)[0]
    halls = frozenset(i for i in city.ids if i.startswith("halle-"))
    courts = frozenset(i for i in city.ids if i.startswith("plan-hof-"))
    towers = frozenset(i for i in city.ids if i.startswith("plan-turm-"))
    for words in (GERMAN, ENGLISH):
        area = Area(words.site, ring)
        names = [name for name, _ in words.scenarios]
        scenarios = (
            Scenario(
                names[0],
                (
                    Setting("unsealing_share", 45.0, area),
                    Setting("trees_added", 150.0, area),
                    Setting("green_roof_share", 60.0, area),
                ),
                removed=halls, built=courts, note=words.scenarios[0][1],
            ),
            Scenario(
                names[1],
                (Setting("unsealing_share", 75.0, area), Setting("trees_added", 250.0, area)),
                removed=halls, built=towers, note=words.scenarios[1][1],
            ),
            Scenario(
                names[2],
                (
                    Setting("green_roof_share", 50.0, WholeCity()),
                    Setting("trees_added", 600.0, WholeCity()),
                    Setting("unsealing_share", 15.0, WholeCity()),
                    Setting("storeys_added", 1.0, Where("roofType", "=", "flat")),
                ),
                note=words.scenarios[2][1],
            ),
        )  # fmt: skip
        spot = (float(centre[0]), float(centre[1]))
        cameras = (
            _camera((640, 560), 2150, 207, 33),
            _camera(spot, 430, 338, 33),
            _camera(spot, 430, 338, 33),
            _camera((spot[0] + 30, spot[1] + 60), 560, 22, 14),
            _camera((1120, 830), 620, 215, 30),
        )
        shown = ("", "", names[0], names[1], names[2])
        views = tuple(
            View(name, camera, scenario, None, text, 9.0)
            for (name, text), camera, scenario in zip(words.steps, cameras, shown, strict=True)
        )
        layers = zip(
            ("flaechennutzung.gpkg", "flurstuecke.gpkg", "radzaehlung.csv", "baumkataster.gpkg"),
            ("areas", "areas", "points", "trees"),
            (words.layers[2], words.layers[1], words.layers[3], words.layers[0]),
            (
                LayerStyle(visible=False, opacity=0.55),
                LayerStyle(visible=False, opacity=0.4),
                LayerStyle(visible=False, labels=True),
                LayerStyle(),
            ),
            strict=True,
        )
        sources = (
            Source("city", str(folder / "auenstadt.city.json.gz"), "city", title="Auenstadt"),
            *(
                Source(
                    plugin + str(n),
                    str(folder / name),
                    "layer",
                    title=title,
                    style=style,
                    options=(("crs", CRS),) if name.endswith(".csv") else (),
                )
                for n, (name, plugin, title, style) in enumerate(layers, start=1)
            ),
        )
        document = Document(
            sources=sources,
            scenarios=scenarios,
            active=names[0],
            views=views,
            title=words.title,
            credits="Auenstadt (Stadtforum, CC0)",
        )
        path = folder / words.file
        path.unlink(missing_ok=True)
        save_session(path, document, portable=True)
        data = json.loads(path.read_text(encoding="utf-8"))
        data["written_at"] = "2026-11-01T00:00:00+00:00"  # else the file differs at every run
        path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
