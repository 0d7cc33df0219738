"""Numbers about a city and a scenario: each with unit, status, formula, parameters and sources.

Formulas follow METHODS; nothing here knows files, sessions or pictures.
"""

from viewer.indicators.definitions import DEFINITIONS, IndicatorDefinition
from viewer.indicators.parameters import PARAMETERS, IndicatorParameter
from viewer.indicators.record import IndicatorRecord, ParameterUsed, Status
from viewer.indicators.surfaces import AreaStatement, Surfaces, make_surfaces, statement_from_layer
from viewer.indicators.table import IndicatorTable

__all__ = [
    "DEFINITIONS",
    "PARAMETERS",
    "AreaStatement",
    "IndicatorDefinition",
    "IndicatorParameter",
    "IndicatorRecord",
    "IndicatorTable",
    "ParameterUsed",
    "Status",
    "Surfaces",
    "make_surfaces",
    "statement_from_layer",
]
