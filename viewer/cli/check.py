"""``stadtforum check``: what is wrong with the data of a city, so that a surveyor can act on it."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from viewer.cli.opening import check_file, make_host, options_of
from viewer.cli.words import error_line, height_words, plain, say, show, show_json
from viewer.errors import ReadError, ViewerError

if TYPE_CHECKING:
    from viewer.city.quality import Finding, QualityReport

BAD_INPUT = 2
_MARKS = {"error": "error", "warning": "warning", "info": "note"}


def run(options: Namespace) -> int:
    """Check every file and print what was found; 2 if one of them could not be read."""
    from viewer.city.quality.text import report_dict

    code = 0
    reports = []
    for path in options.files:
        try:
            report = check_one(path, options_of(options.option), online=options.online)
        except ViewerError as error:
            show(error_line(error), sys.stderr)
            code = BAD_INPUT
            continue
        if options.json:
            reports.append({"file": path.name, **report_dict(report)})
        else:
            _print(report, path.name, options.limit)
    if options.json:
        show_json(reports[0] if len(options.files) == 1 and reports else reports)
    return code


def check_one(path: Path, options: dict[str, str], *, online: bool = False) -> QualityReport:
    """Read a file and check it; ``online`` lets it come from a server.

    Raises
    ------
    ViewerError
        It cannot be read, or is no city.
    """
    from viewer.city.quality import check_quality
    from viewer.plugin_api import ReadContext

    check_file(path)
    reading = make_host(online=online).read(path, ReadContext(options=options))
    if reading.city is None:
        raise ReadError("Only city models are checked; this is a layer.", path=path)
    return check_quality(reading.city, reading.report)


def _print(report: QualityReport, name: str, limit: int) -> None:
    from viewer.city.quality import GROUPS, TOLERANCES
    from viewer.city.quality.text import verdict

    what = " ".join(part for part in (report.format, report.version) if part)
    show(plain(f"{name}: {what}"))
    show(
        say(
            "  {objects} objects, {buildings} buildings, {faces} surfaces; CRS {crs}, heights {heights}",
            objects=f"{report.objects:,}",
            buildings=f"{report.buildings:,}",
            faces=f"{report.faces:,}",
            crs=plain(report.facts.get("crs", "")) or say("not named"),
            heights=height_words(report.facts.get("vertical_crs", "")),
        )
    )
    for group, heading in GROUPS.items():
        found = [finding for finding in report.findings if finding.rule.group == group]
        if found:
            show()
            show(say(heading))
        for finding in found:
            _print_finding(finding, limit)
    if report.messages:
        show()
        show(say("Told while reading"))
    for issue in report.messages:
        where = f" ({', '.join(issue.where[:3])})" if issue.where else ""
        show(plain(f"  {say(issue.text, count=issue.count, **issue.values)}{where}"))
    show()
    values = ", ".join(f"{say(key)} {value:g} {unit}" for key, (value, unit) in TOLERANCES.items())
    show(say("Tolerances: {values}", values=values))
    text, numbers = verdict(report)
    show(say(text, **numbers))
    show()


def _print_finding(finding: Finding, limit: int) -> None:
    rule = finding.rule
    name = f"  {rule.name}" if rule.name else ""
    show(plain(f"  {rule.code:<5}{say(_MARKS[rule.severity.value]):<9}{finding.count:>7,}  {say(rule.title)}{name}"))
    worst = _worst(finding)
    show(plain(f"{'':25}{say(rule.advice)}{worst}"))
    ids = finding.objects
    for start in range(0, min(len(ids), limit), 4):
        show(plain(f"{'':25}{', '.join(ids[start : min(start + 4, limit)])}"))
    if len(ids) > limit:
        show(say("                         and {count} more objects", count=f"{len(ids) - limit:,}"))


def _worst(finding: Finding) -> str:
    amounts = finding.amounts[np.isfinite(finding.amounts)]
    if not finding.rule.unit or not len(amounts):
        return ""
    worst = float(amounts[np.abs(amounts).argmax()])
    return " " + say("Largest: {value} {unit}.", value=f"{worst:.4g}", unit=finding.rule.unit)
