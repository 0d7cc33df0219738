"""``stadtforum info``: what is in a file, and what was left out, repaired or assumed."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from viewer.cli.opening import check_file, make_host, options_of
from viewer.cli.words import height_words, plain, say, show, show_json
from viewer.session.store import SUFFIX

if TYPE_CHECKING:
    from viewer.city.report import Issue
    from viewer.plugin_host import Reading


def run(options: Namespace) -> int:
    """Read the file and print what is in it."""
    check_file(options.file)
    if options.file.suffix.lower() == SUFFIX:
        return _session(options)
    from viewer.plugin_api import ReadContext

    host = make_host(online=options.online)
    reading = host.read(options.file, ReadContext(options=options_of(options.option)))
    facts = _facts(reading)
    if options.json:
        show_json(facts)
    else:
        _print(facts, options.file.name)
        _print_messages(facts["messages"])
    return 0


def _facts(reading: Reading) -> dict[str, Any]:
    """The object ``--json`` prints."""
    report = reading.report
    buildings = 0 if reading.city is None else int(reading.city.objects.feature_is_building.sum())
    facts: dict[str, Any] = {
        "format": report.format,
        "version": report.version,
        "crs": report.crs,
        "vertical_crs": report.vertical_crs,
        "extent": None if report.extent_crs is None else list(report.extent_crs),
        "objects": dict(report.objects),
        "buildings": buildings,
        "lods": list(report.lods),
        "triangles": report.triangles,
        "seconds": round(report.seconds, 3),
        "messages": _messages(report.issues),
    }
    if reading.city is None:
        facts["plugin"] = reading.reader
    return facts


def _messages(issues: tuple[Issue, ...]) -> list[dict[str, Any]]:
    return [
        {"severity": issue.severity.value, "text": str(issue), "where": list(issue.where), "count": issue.count}
        for issue in issues
    ]


def _print(facts: dict[str, Any], name: str) -> None:
    show(plain(f"{name}: {facts['format']} {facts['version']}".rstrip()))
    if "plugin" in facts:
        show(say("  read by       {plugin}", plugin=plain(facts["plugin"])))
    show(say("  CRS           {crs}", crs=plain(facts["crs"]) or say("not named")))
    show(say("  heights       {name}", name=height_words(facts["vertical_crs"])))
    if facts["extent"] is not None:
        low, high = facts["extent"][:3], facts["extent"][3:]
        if low[2] == high[2] == 0.0:  # a layer on the ground has no heights of its own
            low, high = low[:2], high[:2]
        size = " x ".join(f"{b - a:,.0f}" for a, b in zip(low, high, strict=True))
        corner = ", ".join(f"{value:.2f}" for value in low)
        show(say("  extent        {size} m from {corner}", size=size, corner=corner))
    if "plugin" not in facts:
        show(say("  buildings     {count}", count=f"{facts['buildings']:,}"))
        show(say("  LoD           {lods}", lods=", ".join(facts["lods"]) or "-"))
        show(say("  triangles     {count}", count=f"{facts['triangles']:,}"))
    show(say("  seconds       {seconds}", seconds=f"{facts['seconds']:.2f}"))
    show(say("  objects"))
    for kind, count in facts["objects"].items():
        show(plain(f"    {count:>10,}  {kind}"))


def _print_messages(messages: list[dict[str, Any]]) -> None:
    if messages:
        show(say("  messages"))
    for message in messages:
        where = f" ({', '.join(message['where'][:3])})" if message["where"] else ""
        show(plain(f"    {message['severity']}: {message['text']}{where}"))


def _session(options: Namespace) -> int:
    """What a session file holds, without reading its data."""
    from viewer.session import codec
    from viewer.session.store import load_session

    document, issues = load_session(options.file)
    facts: dict[str, Any] = {
        "format": "Stadtforum session",
        "version": str(codec.SCHEMA_VERSION),
        "crs": "",
        "vertical_crs": "",
        "extent": None,
        "objects": {
            "Source": len(document.sources),
            "Scenario": len(document.scenarios),
            "View": len(document.views),
        },
        "buildings": 0,
        "lods": [],
        "triangles": 0,
        "seconds": 0.0,
        "messages": _messages(issues),
    }
    if options.json:
        show_json(facts)
        return 0
    show(plain(f"{options.file.name}: {document.title or facts['format']}"))
    for source in document.sources:
        show(plain(f"  {source.kind:<8}{source.title or source.key}  ({source.path})"))
    for scenario in document.scenarios:
        show(say("  scenario {name}", name=plain(scenario.name)))
    for view in document.views:
        show(say("  view {name}", name=plain(view.name)))
    _print_messages(facts["messages"])
    return 0
