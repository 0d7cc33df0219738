"""What the city is coloured by: surfaces, an attribute of the data or an indicator of a scenario."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from viewer.scene.state import Colouring
from viewer.workspace.describe import colour_by_attribute, colour_by_number
from viewer.workspace.held import Held
from viewer.workspace.numbers import Numbers

#: Colourings that are kept.
_KEPT_COLOURINGS = 4


class Colours:
    """Colourings of the city, the same objects as long as nothing about them differs."""

    def __init__(self, held: Held, numbers: Numbers) -> None:
        self._held, self._numbers = held, numbers
        self._kept: OrderedDict[object, Colouring] = OrderedDict()

    def forget(self) -> None:
        """The city is another one."""
        self._kept.clear()

    def choices(self) -> tuple[tuple[str, str], ...]:
        """What the city can be coloured by: (key, title), surfaces first."""
        if self._held.derived is None:
            return (("surface", "Surfaces"),)
        names = [("surface", "Surfaces")]
        names += [(f"indicator:{d.id}", d.label) for d in self._numbers.baseline_table().definitions if d.column]
        names += [(f"attribute:{name}", name) for name in self._held.derived.city.objects.attributes]
        return tuple(names)

    def of(self, scenario: str | None = None) -> Colouring:
        """The colouring of the document's ``color_by``."""
        derived = self._held.derived
        what = self._held.session.document.color_by
        if derived is None or what == "surface":
            return self._keep(("surface",), Colouring)
        kind, _, name = what.partition(":")
        if kind == "attribute":
            return self._keep((what, id(derived)), lambda: colour_by_attribute(derived.city, name))
        value = self._numbers.scenario(scenario)
        change = self._numbers.change_of(value)

        def by_indicator() -> Colouring:
            table, _, _ = self._numbers.table(value.name if not value.is_baseline else "", change)
            numbers = table.per_feature(name)
            if numbers is None:
                return Colouring()
            definition = next(d for d in table.definitions if d.id == name)
            reference = self._numbers.baseline_table().per_feature(name)
            colours = colour_by_number(np.asarray(reference), definition.label, definition.unit)
            return replace(colours, values=np.asarray(numbers))

        return self._keep((what, id(derived), id(change)), by_indicator)

    def _keep(self, key: object, make: Callable[[], Colouring]) -> Colouring:
        found = self._kept.get(key)
        if found is None:
            found = make()
        self._kept[key] = found
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT_COLOURINGS:
            self._kept.popitem(last=False)
        return found
