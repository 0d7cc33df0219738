"""Every text that indicators and levers show has its German."""

from __future__ import annotations

import json
import string
from pathlib import Path

from tests.builders import box, city_of
from viewer.city import SurfaceType
from viewer.city.measures import measure, measure_issues
from viewer.indicators import DEFINITIONS, PARAMETERS
from viewer.indicators.table import STUDY_AREA
from viewer.scenario import LEVERS

FOLDER = Path(__file__).parents[2] / "assets" / "translations" / "de"


def german(name: str) -> dict[str, str]:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def fields(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}


def assert_complete(texts: set[str], table: dict[str, str]) -> None:
    assert sorted(texts - set(table) - {""}) == []
    assert [text for text in texts - {""} if fields(text) != fields(table[text])] == []


def test_indicators_and_their_parameters_are_translated():
    texts = {STUDY_AREA, "Own value"}
    for d in DEFINITIONS:
        texts |= {d.label, d.unit, d.group, d.sentence, d.formula, d.source, *d.assumptions}
    for p in PARAMETERS.values():
        texts |= {p.text, p.unit, p.source}
    assert_complete(texts, german("indicators"))


def test_levers_and_findings_are_translated():
    texts = set()
    for p in LEVERS.values():
        texts |= {p.text, p.unit, p.method, p.group}
    inward = [(s, [r[::-1] for r in rings]) for s, rings in box(5, 5, 5)]
    lidless = [face for face in box(5, 5, 5) if face[0] is not SurfaceType.ROOF]
    city = city_of([inward, lidless, []])
    findings = {issue.text for issue in measure_issues(city, measure(city))}
    assert len(findings) == 4
    assert_complete(texts | findings, german("scenario"))
