"""Numbers as people read them: rounded after METHODS section 1.5, in the language chosen, with unit and sign.

Nothing here computes an indicator; rounding happens only on the way to the screen or the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from viewer.indicators.record import IndicatorRecord, Status
from viewer.scenario import Area, Parameter, Scenario, Selection, Target, Where
from viewer.ui import i18n
from viewer.ui.i18n import tr, trn

NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
EN_DASH = "\N{EN DASH}"

#: Counts of homes and people: whole numbers, tens above 1,000 (METHODS section 1.5).
_COUNTED = frozenset({"dwellings", "residents", "added_dwellings"})

STATUS_TEXT = {
    Status.LIVE: "Calculated",
    Status.RANGE: "Estimate with a range",
    Status.INDICATIVE: "Rough guide",
    Status.OFF: "Figure missing",
}
STATUS_HELP = {
    Status.LIVE: "Calculated exactly from the city model and the stated figures.",
    Status.RANGE: "Calculated with assumptions; the range shows how far the true value may lie off.",
    Status.INDICATIVE: "Only the direction is reliable, not the number.",
    Status.OFF: "Shown as soon as the municipality enters a figure and its source.",
}
STATUS_SYMBOL = {Status.LIVE: "●", Status.RANGE: "◐", Status.INDICATIVE: "○", Status.OFF: "–"}


class Change(StrEnum):
    """What a difference to the baseline amounts to."""

    UNKNOWN = "unknown"
    SAME = "same"
    SLIGHT = "slight"
    UNCLEAR = "unclear"
    MORE = "more"
    LESS = "less"


SYMBOL = {
    Change.UNKNOWN: "",
    Change.SAME: "=",
    Change.SLIGHT: "≈",
    Change.UNCLEAR: "≈",
    Change.MORE: "▲",
    Change.LESS: "▼",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference ready to be shown: its kind, a symbol that works without colour, and words."""

    change: Change
    text: str

    @property
    def symbol(self) -> str:
        """Arrow or sign; never colour alone."""
        return SYMBOL[self.change]


def number(value: float, digits: int = 0, *, sign: bool = False) -> str:
    """``value`` with ``digits`` decimals and thousands marks; negative digits round to tens, hundreds ..."""
    rounded = round(value, digits)
    text = i18n.number(rounded, max(digits, 0))
    return "+" + text if sign and rounded > 0 else text


def with_unit(text: str, unit: str) -> str:
    """A number with its unit; units without a name ("1", "") stay silent."""
    return text if unit in {"", "1", "-", "–"} else f"{text}{NARROW_SPACE}{tr(unit)}"


def figure(record: IndicatorRecord, value: float | None, *, sign: bool = False) -> str:
    """A value of this record, rounded, without unit; a dash where it is unknown."""
    return EN_DASH if value is None else number(value, record.digits, sign=sign)


def unit_of(record: IndicatorRecord) -> str:
    """The unit beside a value; silent where the label says the same word ("Buildings", "buildings")."""
    return "" if record.unit.casefold() == record.label.casefold() else record.unit


def value_text(record: IndicatorRecord) -> str:
    """The record's value with unit, or what stands in its place."""
    if record.status is Status.OFF or record.value is None:
        return EN_DASH
    about = "≈" + NARROW_SPACE if record.status is Status.INDICATIVE else ""
    return with_unit(about + figure(record, record.value), unit_of(record))


def band_text(record: IndicatorRecord) -> str:
    """The band of a value, "1,900 to 2,400"; empty where there is none or it vanishes in the rounding."""
    if record.status is not Status.RANGE or record.low is None or record.high is None:
        return ""
    low, high = figure(record, record.low), figure(record, record.high)
    return "" if low == high else tr("{low} to {high}", low=low, high=high)


def sentence_text(record: IndicatorRecord) -> str:
    """The record's plain sentence with its rounded numbers."""
    return tr(
        record.sentence,
        value=figure(record, record.value),
        baseline=figure(record, record.baseline),
        difference=figure(record, record.difference, sign=True),
        low=figure(record, record.low),
        high=figure(record, record.high),
    )


def difference(record: IndicatorRecord) -> Difference:
    """The record's difference to the baseline, in words and symbol.

    A difference that vanishes in the rounding is not given as a number; where the value is a range it is
    not given as a change at all. The band itself says nothing about a difference: what is uncertain in
    both states (how large a home is) falls out of it.
    """
    delta = record.difference
    if delta is None or record.status is Status.OFF:
        return Difference(Change.UNKNOWN, "")
    if abs(delta) <= _NOISE * max(1.0, abs(record.baseline or 0.0)):
        return Difference(Change.SAME, tr("as today"))
    if round(delta, record.digits) == 0:
        if record.status is Status.RANGE:
            return Difference(Change.UNCLEAR, tr("no reliable difference"))
        return Difference(Change.SLIGHT, tr("hardly any change"))
    change = Change.MORE if delta > 0 else Change.LESS
    if record.status is Status.INDICATIVE:
        return Difference(change, tr("more") if delta > 0 else tr("less"))
    unit = "percentage points" if record.unit == "%" else unit_of(record)
    return Difference(change, with_unit(number(delta, record.digits, sign=True), unit))


def lever_text(parameter: Parameter, value: float) -> str:
    """A lever's value with unit, signed where the lever goes both ways from zero."""
    digits = 0 if float(value).is_integer() else 2
    return with_unit(number(value, digits, sign=parameter.minimum < 0), parameter.unit)


def target_text(target: Target) -> str:
    """What a lever acts on, in a few words."""
    if isinstance(target, Selection):
        return target.name or trn("{n} chosen building", "{n} chosen buildings", len(target.ids))
    if isinstance(target, Area):
        return target.name
    if isinstance(target, Where):
        return tr(
            "{attribute} {operator} {value}",
            attribute=target.attribute,
            operator=tr(OPERATOR_TEXT[target.operator]),
            value=target.value,
        )
    return tr("Whole city")


#: Relative size of what adding up floating-point numbers leaves behind; no difference at all.
_NOISE = 1e-9
#: Comparisons of an attribute filter in plain words.
OPERATOR_TEXT = {
    "=": "is",
    "!=": "is not",
    "<": "below",
    "<=": "at most",
    ">": "above",
    ">=": "at least",
    "contains": "contains",
}


def settings_lines(scenario: Scenario, levers: dict[str, Parameter]) -> tuple[str, ...]:
    """Every setting of a scenario as a line: "Storeys added: +2 storeys (Whole city)"."""
    lines = [
        tr(
            "{lever}: {value} ({target})",
            lever=tr(levers[setting.parameter].text),
            value=lever_text(levers[setting.parameter], setting.value),
            target=target_text(setting.target),
        )
        for setting in scenario.settings
        if setting.parameter in levers
    ]
    if scenario.removed:
        lines.append(trn("{n} building removed", "{n} buildings removed", len(scenario.removed)))
    if scenario.built:
        lines.append(trn("{n} planned building built", "{n} planned buildings built", len(scenario.built)))
    return tuple(lines)
