"""What could change: levers, edits and scenarios as frozen values, and city + scenario -> changed arrays.

Nothing here measures what a change means (``indicators``) or draws it (``scene``).
"""

from viewer.scenario.change import CityChange
from viewer.scenario.parameters import LEVERS, Parameter, lever
from viewer.scenario.scenario import Scenario, Setting
from viewer.scenario.targets import Area, Selection, Target, Where, WholeCity

__all__ = [
    "LEVERS",
    "Area",
    "CityChange",
    "Parameter",
    "Scenario",
    "Selection",
    "Setting",
    "Target",
    "Where",
    "WholeCity",
    "lever",
]
