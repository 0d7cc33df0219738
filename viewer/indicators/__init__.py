"""Numbers about a city and a scenario: each with unit, status, formula, parameters and sources.

Formulas follow METHODS; nothing here knows files, sessions or pictures.
"""
