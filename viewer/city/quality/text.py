"""A report as plain data and as one sentence: the same for the command line, the window and files."""

from __future__ import annotations

from typing import Any

import numpy as np

from viewer.city.quality.check import TOLERANCES
from viewer.city.quality.findings import Finding, QualityReport
from viewer.city.report import Severity

#: Columns of the table ``report_rows`` makes.
ROW_NAMES = ("code", "name", "class", "severity", "title", "id", "x", "y", "z", "amount", "unit", "advice")


def verdict(report: QualityReport) -> tuple[str, dict[str, object]]:
    """One sentence about the whole, as a template and its values."""
    values: dict[str, object] = {
        "errors": f"{report.count(Severity.ERROR):,}",
        "warnings": f"{report.count(Severity.WARNING):,}",
        "notes": f"{report.count(Severity.INFO):,}",
        "sound": f"{report.sound_objects:,}",
        "shaped": f"{report.shaped_objects:,}",
    }
    if not report.shaped_objects:
        return "Verdict: there is no geometry to judge.", values
    if report.count(Severity.ERROR):
        return (
            "Verdict: {errors} errors, {warnings} warnings, {notes} notes; "
            "{sound} of {shaped} objects have a valid geometry.",
            values,
        )
    if report.count(Severity.WARNING):
        return (
            "Verdict: usable; no errors, {warnings} warnings, {notes} notes; "
            "{sound} of {shaped} objects have a valid geometry.",
            values,
        )
    return "Verdict: no faults found in {shaped} objects; {notes} notes.", values


def report_dict(report: QualityReport) -> dict[str, Any]:
    """The report as plain lists and numbers, for JSON. Places are in the CRS of the city, metres."""
    text, values = verdict(report)
    return {
        "format": report.format,
        "version": report.version,
        "crs": report.facts.get("crs", ""),
        "vertical_crs": report.facts.get("vertical_crs", ""),
        "tolerances": {name: value for name, (value, _) in TOLERANCES.items()},
        "summary": {
            "objects": report.objects,
            "buildings": report.buildings,
            "faces": report.faces,
            "objects_with_geometry": report.shaped_objects,
            "objects_with_valid_geometry": report.sound_objects,
            "errors": report.count(Severity.ERROR),
            "warnings": report.count(Severity.WARNING),
            "notes": report.count(Severity.INFO),
        },
        "verdict": text.format(**values),
        "findings": [_finding(report, finding) for finding in report.findings],
        "messages": [
            {"severity": issue.severity.value, "text": str(issue), "where": list(issue.where), "count": issue.count}
            for issue in report.messages
        ],
    }


def _finding(report: QualityReport, finding: Finding) -> dict[str, Any]:
    rule = finding.rule
    return {
        "code": rule.code,
        "name": rule.name,
        "class": rule.group,
        "severity": rule.severity.value,
        "title": rule.title,
        "what_to_do": rule.advice,
        "count": finding.count,
        "unit": rule.unit,
        "ids": list(finding.objects),
        "faults": [
            {"id": name, "place": place, "amount": amount}
            for name, place, amount in zip(finding.ids, _places(report, finding), _amounts(finding), strict=True)
        ],
    }


def report_rows(report: QualityReport) -> list[tuple[object, ...]]:
    """One row for each fault, in the order of ``ROW_NAMES``, for a table."""
    rows: list[tuple[object, ...]] = []
    for finding in report.findings:
        rule = finding.rule
        head = (rule.code, rule.name, rule.group, rule.severity.value, rule.title)
        if not finding.ids:
            rows.append((*head, "", "", "", "", "", "", rule.advice))
        for name, place, amount in zip(finding.ids, _places(report, finding), _amounts(finding), strict=True):
            x, y, z = place or ("", "", "")
            rows.append((*head, name, x, y, z, "" if amount is None else amount, rule.unit, rule.advice))
    return rows


def _places(report: QualityReport, finding: Finding) -> list[list[float] | None]:
    places = report.frame.crs_from_local(finding.places_local)
    known: list[bool] = np.asarray(np.isfinite(places).all(axis=1)).tolist()
    return [
        [round(number, 3) for number in place] if ok else None for place, ok in zip(places.tolist(), known, strict=True)
    ]


def _amounts(finding: Finding) -> list[float | None]:
    known = np.isfinite(finding.amounts).tolist()
    return [round(value, 4) if ok else None for value, ok in zip(finding.amounts.tolist(), known, strict=True)]
