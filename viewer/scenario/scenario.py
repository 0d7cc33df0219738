"""A scenario: a named, frozen set of lever settings, removals and additions on an untouchable baseline."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from viewer.scenario.parameters import LEVERS, lever
from viewer.scenario.targets import Target, WholeCity


@dataclass(frozen=True, slots=True)
class Setting:
    """One lever at one value for one target."""

    parameter: str
    value: float
    target: Target = field(default_factory=WholeCity)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named set of edits on the baseline.

    settings : in the order of their targets; where targets overlap, the later one decides for its
        objects (it replaces, it does not add).
    removed : ids of existing buildings that are taken away.
    built : ids of planned buildings (``conditionOfConstruction`` = ``planned``) that are put up.
    note : a sentence shown with the scenario.
    kept : settings of levers this version does not know, as JSON; without effect, saved back unchanged.
    """

    name: str
    settings: tuple[Setting, ...] = ()
    removed: frozenset[str] = frozenset()
    built: frozenset[str] = frozenset()
    note: str = ""
    kept: tuple[str, ...] = ()

    @property
    def is_baseline(self) -> bool:
        """Whether nothing differs from the city as it is."""
        return not self.settings and not self.removed and not self.built

    def value(self, parameter: str, target: Target | None = None) -> float:
        """Value of a lever for a target (whole city by default); the default where it is not set."""
        target = WholeCity() if target is None else target
        for setting in self.settings:
            if setting.parameter == parameter and setting.target == target:
                return setting.value
        return lever(parameter).default

    def with_value(self, parameter: str, value: float, target: Target | None = None) -> Scenario:
        """This scenario with a lever set; a value at its default is dropped for the whole city, but
        kept for a narrower target, where it shields the target from the whole city's value."""
        target = WholeCity() if target is None else target
        value = lever(parameter).check(value)
        drop = value == LEVERS[parameter].default and isinstance(target, WholeCity)
        settings: list[Setting] = []
        found = False
        for setting in self.settings:
            if setting.parameter == parameter and setting.target == target:
                found = True
                if not drop:
                    settings.append(Setting(parameter, value, target))
            else:
                settings.append(setting)
        if not found and not drop:
            new = Setting(parameter, value, target)
            settings = [new, *settings] if isinstance(target, WholeCity) else [*settings, new]
        return replace(self, settings=tuple(settings))

    def without(self, parameter: str, target: Target | None = None) -> Scenario:
        """This scenario with a lever put back for a target, as if it had never been moved."""
        target = WholeCity() if target is None else target
        kept = tuple(s for s in self.settings if (s.parameter, s.target) != (parameter, target))
        return replace(self, settings=kept)

    def targets(self) -> tuple[Target, ...]:
        """Every target that has a setting, the whole city first."""
        seen: dict[Target, None] = {WholeCity(): None}
        seen.update((setting.target, None) for setting in self.settings)
        return tuple(seen)
