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
_COUNTED = frozenset({"dwellings", "residents"})

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
    UNCLEAR = "unclear"
    MORE = "more"
    LESS = "less"


SYMBOL = {Change.UNKNOWN: "", Change.SAME: "=", Change.UNCLEAR: "≈", Change.MORE: "▲", Change.LESS: "▼"}


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


def digits_of(record: IndicatorRecord, value: float) -> int:
    """Decimals (negative: tens) in which a value of this record is shown."""
    if record.id in _COUNTED:
        return -1 if abs(value) > 1000 else 0
    return record.digits


def figure(record: IndicatorRecord, value: float | None, *, sign: bool = False) -> str:
    """A value of this record, rounded, without unit; a dash where it is unknown."""
    if value is None:
        return EN_DASH
    return number(value, digits_of(record, value), sign=sign)


def value_text(record: IndicatorRecord) -> str:
    """The record's value with unit, or what stands in its place."""
    if record.status is Status.OFF or record.value is None:
        return EN_DASH
    if record.status is Status.INDICATIVE:
        return with_unit("~" + NARROW_SPACE + number(record.value, min(record.digits, 0)), record.unit)
    return with_unit(figure(record, record.value), record.unit)


def band_text(record: IndicatorRecord) -> str:
    """The band of a value, "1,900 – 2,400"; empty where there is none."""
    if record.status is not Status.RANGE or record.low is None or record.high is None:
        return ""
    return f"{figure(record, record.low)}{NARROW_SPACE}{EN_DASH}{NARROW_SPACE}{figure(record, record.high)}"


def band(record: IndicatorRecord) -> float:
    """Half the width of the band: a difference below it says nothing (METHODS section 15)."""
    if record.low is None or record.high is None:
        return 0.0
    return abs(record.high - record.low) / 2


def difference(record: IndicatorRecord) -> Difference:
    """The record's difference to the baseline, in words and symbol."""
    return describe_difference(record, record.difference)


def describe_difference(record: IndicatorRecord, delta: float | None) -> Difference:
    """A difference in the record's unit, in words and symbol: also between two scenarios."""
    if delta is None or record.status is Status.OFF:
        return Difference(Change.UNKNOWN, "")
    if delta == 0:
        return Difference(Change.SAME, tr("unchanged"))
    digits = digits_of(record, delta)
    if abs(delta) < band(record) or round(delta, digits) == 0:
        return Difference(Change.UNCLEAR, tr("no reliable difference"))
    change = Change.MORE if delta > 0 else Change.LESS
    if record.status is Status.INDICATIVE:
        return Difference(change, tr("more") if delta > 0 else tr("less"))
    unit = "percentage points" if record.unit == "%" else record.unit
    return Difference(change, with_unit(number(delta, digits, sign=True), unit))


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
