"""Indicator records and pictures as files: CSV for a spreadsheet, JSON for a program, PNG or JPEG for a slide.

Every row carries what is needed to cite the number: status, band, formula, parameters with source,
assumptions. Functions take values and give bytes, so they run without a window; see ``report_pdf`` for the page.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from viewer import __version__
from viewer.indicators.record import IndicatorRecord, ParameterUsed
from viewer.scenario import LEVERS, Area, Scenario, Selection, Setting, Where
from viewer.session.atomic import write_atomic
from viewer.ui.figures import sentence_text, target_text
from viewer.ui.i18n import language, number, tr

JSON_SCHEMA = "stadtforum-indicators"
JSON_SCHEMA_VERSION = 1

#: Columns of the table, in order; the first line of the CSV.
CSV_COLUMNS = (
    "scenario", "id", "indicator", "group", "unit", "status", "value", "low", "high", "baseline", "difference",
    "fallback_share", "sentence", "formula", "parameters", "assumptions", "source",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScenarioRecords:
    """A scenario and its records; ``scenario`` None is the baseline."""

    scenario: Scenario | None
    records: tuple[IndicatorRecord, ...]

    @property
    def name(self) -> str:
        """Name shown for it."""
        return tr("Today") if self.scenario is None else self.scenario.name


def parameter_line(parameter: ParameterUsed) -> str:
    """One parameter as a line: "storey height 3.0 m (planning value; assumption, unverified)"."""
    unit = "" if parameter.unit in {"", "1"} else f" {tr(parameter.unit)}"
    mark = "; " + tr("assumption, unverified") if parameter.unverified else ""
    return f"{tr(parameter.name)} {number(parameter.value, None)}{unit} ({tr(parameter.source)}{mark})"


def indicators_csv(scenarios: tuple[ScenarioRecords, ...], *, decimal_comma: bool | None = None) -> bytes:
    """All records as CSV in UTF-8 with byte order mark, unrounded.

    Parameters
    ----------
    decimal_comma : write ``1,5`` and separate by semicolons, as a German spreadsheet expects; by default
        when the language is German. Else ``1.5`` and commas.
    """
    comma = language().startswith("de") if decimal_comma is None else decimal_comma
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";" if comma else ",", lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)

    def num(value: float | None) -> str:
        text = "" if value is None else repr(float(value))
        return text.replace(".", ",") if comma else text

    for entry in scenarios:
        for r in entry.records:
            writer.writerow(
                [
                    _cell(entry.name), _cell(r.id), _cell(tr(r.label)), _cell(tr(r.group)), _cell(tr(r.unit)),
                    r.status.value, num(r.value), num(r.low), num(r.high), num(r.baseline), num(r.difference),
                    num(r.fallback_share), _cell(sentence_text(r)), _cell(tr(r.formula)),
                    _cell(" | ".join(parameter_line(p) for p in r.parameters)),
                    _cell(" | ".join(tr(a) for a in r.assumptions)), _cell(tr(r.source)),
                ]
            )  # fmt: skip
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")


def indicators_json(
    scenarios: tuple[ScenarioRecords, ...],
    *,
    title: str = "",
    crs: str = "",
    attributions: tuple[str, ...] = (),
    created: datetime | None = None,
) -> bytes:
    """All records as JSON in UTF-8, unrounded, English keys and texts as declared (for programs)."""
    created = datetime.now(UTC) if created is None else created
    document = {
        "schema": JSON_SCHEMA,
        "schema_version": JSON_SCHEMA_VERSION,
        "program": f"Stadtforum {__version__}",
        "title": title,
        "created": created.astimezone(UTC).isoformat(timespec="seconds"),
        "crs": crs,
        "attributions": list(attributions),
        "scenarios": [_scenario_object(entry) for entry in scenarios],
    }
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False).encode("utf-8") + b"\n"


def record_object(record: IndicatorRecord) -> dict[str, object]:
    """One record as plain values, as in the JSON file."""
    return {
        "id": record.id,
        "label": record.label,
        "group": record.group,
        "unit": record.unit,
        "status": record.status.value,
        "value": record.value,
        "baseline": record.baseline,
        "difference": record.difference,
        "low": record.low,
        "high": record.high,
        "digits": record.digits,
        "fallback_share": record.fallback_share,
        "sentence": _filled(record),
        "formula": record.formula,
        "parameters": [
            {"name": p.name, "value": p.value, "unit": p.unit, "source": p.source, "unverified": p.unverified}
            for p in record.parameters
        ],
        "assumptions": list(record.assumptions),
        "source": record.source,
    }


def image_from_array(pixels: NDArray[np.uint8]) -> QImage:
    """A picture (H, W, 3 or 4) uint8, first row on top, as an image that owns its pixels."""
    height, width, channels = pixels.shape
    if channels not in (3, 4):
        raise ValueError(f"a picture needs 3 or 4 channels, not {channels}")
    rows = np.ascontiguousarray(pixels, dtype=np.uint8)
    form = QImage.Format.Format_RGB888 if channels == 3 else QImage.Format.Format_RGBA8888
    return QImage(rows.data, width, height, channels * width, form).copy()


def write_file(path: Path, content: bytes) -> None:
    """Write an export whole or not at all; a former file of this name is replaced.

    Raises
    ------
    SaveError
        Nothing was changed.
    """
    write_atomic(path, content, keep_former=False)


def all_scenarios(workspace) -> tuple[ScenarioRecords, ...]:
    """The baseline and every scenario of a workspace with their exact records, in the order of the list."""
    scenarios = workspace.session.document.scenarios
    return (
        ScenarioRecords(None, workspace.exact_indicators("")),
        *(ScenarioRecords(s, workspace.exact_indicators(s.name)) for s in scenarios),
    )


def _scenario_object(entry: ScenarioRecords) -> dict[str, object]:
    scenario = entry.scenario
    return {
        "name": "" if scenario is None else scenario.name,
        "baseline": scenario is None,
        "note": "" if scenario is None else scenario.note,
        "settings": [] if scenario is None else [_setting_object(s) for s in scenario.settings],
        "removed": [] if scenario is None else sorted(scenario.removed),
        "built": [] if scenario is None else sorted(scenario.built),
        "indicators": [record_object(r) for r in entry.records],
    }


def _setting_object(setting: Setting) -> dict[str, object]:
    target: Mapping[str, object] = {"kind": "city"}
    if isinstance(setting.target, Selection):
        target = {"kind": "selection", "name": setting.target.name, "ids": list(setting.target.ids)}
    elif isinstance(setting.target, Area):
        target = {"kind": "area", "name": setting.target.name, "ring_crs": [list(p) for p in setting.target.ring_crs]}
    elif isinstance(setting.target, Where):
        where = setting.target
        target = {"kind": "where", "attribute": where.attribute, "operator": where.operator, "value": where.value}
    unit = LEVERS[setting.parameter].unit if setting.parameter in LEVERS else ""
    return {
        "parameter": setting.parameter,
        "value": setting.value,
        "unit": unit,
        "target": dict(target),
        "target_text": target_text(setting.target),
    }


def _filled(record: IndicatorRecord) -> str:
    """The English sentence with its numbers as they are."""

    def plain(value: float | None) -> str:
        return "" if value is None else f"{value:.10g}"

    return record.sentence.format(
        value=plain(record.value), baseline=plain(record.baseline), difference=plain(record.difference),
        low=plain(record.low), high=plain(record.high),
    )  # fmt: skip


def _cell(text: str) -> str:
    """Text from files and people, made harmless: a spreadsheet takes ``=``, ``+``, ``-`` and ``@`` for formulas."""
    return "'" + text if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
