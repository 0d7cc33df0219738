"""Whether the data of a city is sound: geometry in the words of ISO 19107, attributes, duplicates, place.

Findings only; nothing is repaired here, and how they are shown is decided by the command line and the window.
"""

from viewer.city.quality.check import TOLERANCES, check_quality
from viewer.city.quality.findings import Finding, QualityReport
from viewer.city.quality.rules import GROUPS, RULES, Rule

__all__ = ["GROUPS", "RULES", "TOLERANCES", "Finding", "QualityReport", "Rule", "check_quality"]
