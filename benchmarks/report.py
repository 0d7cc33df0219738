"""What was measured as text, as a page of the documentation and as plots of growth; nothing is measured here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import goals

#: Quantities drawn over the number of buildings: title of the plot, unit, and rows with their names in the legend.
PLOTS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("From the file to the first full picture", "s", (
        ("CityJSON: first opening to the full picture", "first opening"),
        ("CityJSON: second opening to the full picture", "second opening"),
    )),
    ("One picture", "ms", (
        ("plain mesh, antialiased", "plain mesh"),
        ("resting, median of the views", "resting"),
        ("moving, 95th percentile", "moving, 95th percentile"),
        ("moving, median", "moving, median"),
    )),
    ("Answering a hand", "ms", (
        ("slider tick", "slider tick"),
        ("unchanged picture", "unchanged picture"),
        ("colour change", "colour change"),
        ("pick, slowest of 96", "slowest pick"),
    )),
    ("Memory at the second opening", "MB", (
        ("CityJSON: peak memory, first opening", "peak, first opening"),
        ("CityJSON: peak memory, second opening", "peak, second opening"),
        ("CityJSON: memory of its own after the second opening", "its own, second opening"),
    )),
)  # fmt: skip
_INK, _COLOURS = "#4a4a4a", ("#c2402e", "#3a6ea5", "#6a9a3b", "#8a6bb0")
_FLIGHT_COLOURS = ("#9ecae1", "#6baed6", "#3182bd", "#6a51a3", "#c2402e", "#6a9a3b")


def table(result: Mapping[str, Any]) -> str:
    """One line per measured quantity with goal and verdict, then growth from size to size."""
    lines = [json.dumps(result["machine"]), json.dumps(result["graphics"]), ""]
    lines.append(f"{'what':<66}{'houses':>10}{'value':>12}{'goal':>12}  ")
    for row in result["rows"]:
        lines.append(
            f"{row['what']:<66}{row['houses']:>10,}{_number(row['value']):>9} {row['unit']:<2}"
            f"{row['goal_text']:>12}  {_verdict(row, '{}').upper() if row['reached'] is False else _verdict(row, '{}')}"
        )
    lines += ["", "growth from one size to the next"]
    for what, unit, values in goals.growth(result["rows"]):
        lines.append(f"{what:<66}{_steps(values)}  ({unit})")
    lines += ["", *(f"FAILED: {text}" for text in result.get("failed", []))]
    lines += ["", *_peer_lines(result.get("peers", []))]
    return "\n".join(lines)


def write(result: Mapping[str, Any], path: Path) -> None:
    """Write the page, and its plots into ``pictures`` beside it."""
    pictures = path.parent / "pictures"
    pictures.mkdir(exist_ok=True)
    _plot_growth(result["rows"], pictures / "growth.svg")
    _plot_flights({name: found["moving"] for name, found in result["drawn"].items()}, pictures / "frame-times.svg")
    path.write_text(page(result), encoding="utf-8")


def page(result: Mapping[str, Any]) -> str:
    """The page of the documentation."""
    about, driver, rows = result["machine"], result["graphics"], result["rows"]
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    with_goal = [row for row in rows if row["goal"] is not None]
    missed = [row for row in with_goal if row["reached"] is False]
    lines = [
        "# How fast",
        "",
        "Written by `make bench ARGS='--peers --report docs/performance.md'`; nothing here is typed by hand. Times",
        "belong to the machine below and are noisy; ratios compare two things measured in turn within the same run.",
        *([f"Put together from {result['runs']} runs, one after the other."] if result.get("runs", 1) > 1 else []),
        "",
        f"Machine: {about['processor']}, {about['cores']} cores, {about['system']}, Python {about['python']}, "
        f"{about.get('day', '')}.",
        *_busy(about),
        f"Versions: {versions}.",
        f"Graphics: {driver['renderer']}, OpenGL {driver['version']}"
        f"{' (software: there is no graphics card)' if driver['software'] else ''}.",
        "",
        "What is measured: a generated town (`benchmarks/town.py`: curved streets, blocks, courtyards, towers, halls,",
        "detached houses; 15.5 triangles a building on average) whose smaller sizes are the middle of the larger ones,",
        "one recorded flight over its middle at every size (1280 x 800 pixels), and openings in fresh processes.",
        "",
        *(f"**Not measured:** {text.splitlines()[0]}" for text in result.get("failed", [])),
        f"## Goals: {len(with_goal) - len(missed)} of {len(with_goal)} reached",
        "",
        *_goal_table(with_goal),
        "",
        "## Growth",
        "",
        "![Growth of openings, pictures, answers and memory over the number of buildings](pictures/growth.svg)",
        "",
        *_growth_table(rows),
        "",
        "## Along the recorded flight",
        "",
        "![Times of the pictures along the flight](pictures/frame-times.svg)",
        "",
        "![Pictures of the flight](pictures/flight.jpg)",
        "",
    ]
    lines += _peer_section(result.get("peers", []))
    lines += ["## Everything measured", "", "| what | buildings | value | goal | |", "|---|---:|---:|---:|---|"]
    for row in rows:
        lines.append(
            f"| {row['what']} | {row['houses']:,} | {_number(row['value'])} {row['unit']} | {row['goal_text']} "
            f"| {_verdict(row, '**{}**')} |"
        )
    return "\n".join(lines) + "\n"


def _busy(about: Mapping[str, Any]) -> list[str]:
    """A sentence where other programs used the machine meanwhile."""
    loads = [load for load in about.get("loads", []) if load is not None]
    if not loads or loads[0] < 0.5:
        return []
    return [
        f"**Other programs were running on it:** {loads[0]} waited for its {about['cores']} cores when this began "
        f"(during the run, with it, {min(loads)} to {max(loads)}), so times are longer than they need be."
    ]


def _goal_table(rows: Sequence[goals.Row]) -> list[str]:
    lines = ["| goal | buildings | measured | wanted | |", "|---|---:|---:|---:|---|"]
    for row in sorted(rows, key=lambda row: bool(row["reached"])):
        lines.append(
            f"| {row['what']} | {row['houses']:,} | {_number(row['value'])} {row['unit']} | {row['goal_text']} "
            f"| {_verdict(row, '**{}**')} |"
        )
    return lines


def _growth_table(rows: Sequence[goals.Row]) -> list[str]:
    lines = ["Each value, and how many times the one before it is.", ""]
    sizes = sorted({size for _, _, values in goals.growth(rows) for size in values})
    lines.append("| what | " + " | ".join(f"{size:,}" for size in sizes) + " |")
    lines.append("|---|" + "---:|" * len(sizes))
    for what, unit, values in goals.growth(rows):
        cells, before = [], None
        for size in sizes:
            value = values.get(size)
            step = f" (x {value / before:.2g})" if value is not None and before else ""
            cells.append("" if value is None else f"{_number(value)} {unit}{step}")
            before = value if value is not None else before
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    return lines


def _steps(values: Mapping[int, float]) -> str:
    before, parts = None, []
    for size, value in values.items():
        parts.append(f"{size:,}: {_number(value)}" + (f" (x {value / before:.2g})" if before else ""))
        before = value
    return ", ".join(parts)


def _peer_section(peers: Sequence[Mapping[str, Any]]) -> list[str]:
    if not peers:
        return []
    compared = [peer["ratio"] > 1 for peer in peers if not peer.get("skipped") and peer.get("alike", True)]
    lines = [
        f"## Beside other programs: ahead in {sum(compared)} of {len(compared)} (the goal: in all)",
        "",
        "The same town, window size and views, in the same run. Times of others are taken inside them, until the",
        "picture is done. A ratio above 1 says that the viewer is faster. F3D and CesiumJS open no city files but",
        "triangles made ready (GLB, 3D Tiles): the viewer opens the same file as they do, and its own prepared copy;",
        "its first opening of a city file, which is checked, triangulated and measured, stands beside without a",
        "verdict. How each is used stands in `benchmarks/peers/`.",
        "",
        "| other program | what | buildings | theirs | the viewer | ratio | |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    skipped = []
    for peer in peers:
        if peer.get("skipped"):
            skipped.append(f"- {peer['peer']}: not measured: {peer['skipped']}")
            continue
        verdict = "ahead" if peer["ratio"] > 1 else "**behind**"
        verdict = verdict if peer.get("alike", True) else "other files"
        lines.append(
            f"| {peer['peer']} | {peer['what']} | {peer['houses']:,} | {_number(peer['theirs'])} {peer['unit']} "
            f"| {_number(peer['ours'])} {peer['unit']} | {peer['ratio']:.3g} x | {verdict} |"
        )
    return [*lines, "", *skipped, ""] if skipped else [*lines, ""]


def _peer_lines(peers: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for peer in peers:
        if peer.get("skipped"):
            lines.append(f"{peer['peer']}: not measured: {peer['skipped']}")
        else:
            lines.append(
                f"{peer['peer']:<34}{peer['what']:<32}{peer['houses']:>10,}{_number(peer['theirs']):>9} "
                f"{peer['unit']:<2} ours {_number(peer['ours'])} {peer['unit']}, {peer['ratio']:.3g} x"
            )
    return lines


def _plot_growth(rows: Sequence[goals.Row], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    values = {what: found for what, _, found in goals.growth(rows)}
    figure, axes = pyplot.subplots(2, 2, figsize=(10.5, 7.2))
    for axis, (title, unit, lines) in zip(axes.ravel(), PLOTS, strict=True):
        for (what, name), colour in zip(lines, _COLOURS, strict=False):
            if what in values:
                x, y = zip(*values[what].items(), strict=True)
                axis.plot(x, y, "o-", label=name, color=colour, linewidth=1.6, markersize=4)
        _dress(axis, title, unit)
        if axis.lines:
            axis.set_xscale("log")
            axis.set_yscale("log")
            axis.legend(frameon=False, fontsize=8)
            _plain_numbers(axis)
    figure.tight_layout()
    _save(figure, path)


def _plot_flights(flights: Mapping[str, Sequence[float]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(10.5, 3.4))
    for (name, times), colour in zip(flights.items(), _FLIGHT_COLOURS, strict=False):
        label = f"{int(name):,} buildings" if name.isdigit() else name
        axis.plot(range(1, len(times) + 1), times, label=label, color=colour, linewidth=1.2)
    axis.axhline(33.3, color="#999999", linewidth=0.8, linestyle=":")
    _dress(axis, "Every picture of the flight (dotted: 33 ms)", "ms")
    axis.set_xlabel("picture", color=_INK, fontsize=9)
    axis.set_ylim(bottom=0)
    if flights:
        axis.legend(frameon=False, fontsize=8, ncols=3)
    figure.tight_layout()
    _save(figure, path)


def _dress(axis: Any, title: str, unit: str) -> None:
    axis.set_title(title, loc="left", fontsize=10, color=_INK)
    axis.set_ylabel(unit, color=_INK, fontsize=9)
    axis.tick_params(labelsize=8, colors=_INK)
    axis.grid(visible=True, color="#e6e6e6", linewidth=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axis.spines[side].set_color("#bbbbbb")


def _plain_numbers(axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.10g}"))
    axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel("buildings", color=_INK, fontsize=9)


def _save(figure: Any, path: Path) -> None:
    import matplotlib as mpl
    from matplotlib import pyplot

    with mpl.rc_context({"svg.hashsalt": "stadtforum", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 100:
        return f"{value:.0f}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _verdict(row: goals.Row, missed: str) -> str:
    if row["goal"] is None:
        return ""
    return "reached" if row["reached"] else missed.format("missed")
