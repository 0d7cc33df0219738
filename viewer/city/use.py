"""What buildings are used for, read from ALKIS and CityGML codes and from words.

Only classes that formulas need; the texts themselves stay in the attributes.
"""

from __future__ import annotations

import re
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from viewer.city.model import Column, ObjectTable


class Use(IntEnum):
    """Use of a building (stored as uint8)."""

    UNKNOWN = 0
    RESIDENTIAL = 1
    MIXED = 2
    OFFICE = 3
    SCHOOL = 4
    RETAIL = 5
    HALL = 6
    PUBLIC = 7
    OTHER = 8


#: Storey height by use in metres: planning values, UNVERIFIED (METHODS section 3).
STOREY_HEIGHT_M: dict[Use, float] = {
    Use.UNKNOWN: 3.0,
    Use.RESIDENTIAL: 3.0,
    Use.MIXED: 3.0,
    Use.OFFICE: 3.5,
    Use.SCHOOL: 3.6,
    Use.RETAIL: 4.5,
    Use.HALL: 6.0,
    Use.PUBLIC: 3.6,
    Use.OTHER: 3.0,
}

# Building functions of ALKIS (catalogue 31001), lower bounds of ranges in order.
_ALKIS: tuple[tuple[int, Use], ...] = (
    (1000, Use.RESIDENTIAL),
    (1100, Use.MIXED),
    (1210, Use.RESIDENTIAL),
    (1222, Use.MIXED),
    (1223, Use.RESIDENTIAL),
    (1313, Use.OTHER),
    (2000, Use.OTHER),
    (2010, Use.RETAIL),
    (2020, Use.OFFICE),
    (2050, Use.RETAIL),
    (2060, Use.HALL),
    (2070, Use.OTHER),
    (2100, Use.HALL),
    (2150, Use.OTHER),
    (2310, Use.MIXED),
    (2330, Use.OTHER),
    (2700, Use.HALL),
    (2740, Use.OTHER),
    (3000, Use.PUBLIC),
    (3010, Use.OFFICE),
    (3020, Use.SCHOOL),
    (3030, Use.PUBLIC),
    (3075, Use.OTHER),
    (3090, Use.OTHER),
    (3211, Use.HALL),
    (3212, Use.OTHER),
)
# Building functions of the CityGML 1.0/2.0 code list below 2000, where it differs from ALKIS.
_CITYGML: tuple[tuple[int, Use], ...] = (
    (1000, Use.RESIDENTIAL),
    (1030, Use.MIXED),
    (1060, Use.RESIDENTIAL),
    (1130, Use.MIXED),
    (1150, Use.RESIDENTIAL),
    (1190, Use.OFFICE),
    (1250, Use.RETAIL),
    (1300, Use.OTHER),
)
# Words in German and English, first match decides; compared in lower case.
_WORDS: tuple[tuple[str, Use], ...] = (
    (r"garage|carport|schuppen|\bshed|gartenhaus|parkhaus|tiefgarage|parking|\broof\b|greenhouse", Use.OTHER),
    (r"mixed|gemischt|wohn-? ?und|wohnen (und|mit)|residential[ -]+(and|or)|commercial[ -]+residential", Use.MIXED),
    (r"school|schule|kindergarten|\bkita|university|universität|hochschule|education|bildung", Use.SCHOOL),
    (
        r"residen|wohn|apartment|\bhouse|dwelling|detached|terrace|bungalow|dormitory|\bwoonfunctie"
        r"|(einzel|doppel|reihen|gruppen|familien)haus",
        Use.RESIDENTIAL,
    ),
    (r"office|büro|buero|verwaltung|administration|kantoor|bank\b", Use.OFFICE),
    (r"retail|shop|laden|kaufhaus|geschäft|handel|commercial|supermarkt?|winkel|business", Use.RETAIL),
    (r"industr|halle\b|\bhall|lager|warehouse|fabrik|factory|werkstatt|workshop|gewerbe|scheune|barn|sport", Use.HALL),
    (r"church|kirche|public|öffentlich|hospital|krankenhaus|museum|theat|kultur|cultur|library|religi", Use.PUBLIC),
    (r"hotel|versorgung|station|trafo|utility|farm|gastronomie|restaurant|annex|other|sonstig|verkehr", Use.OTHER),
)


def use_of_text(text: str) -> Use:
    """Use named by a code or by words: ``"31001_1010"``, ``"1000"``, ``"residential"``, ``"Wohnhaus"``."""
    text = text.strip().lower().replace(",", "")
    code = re.fullmatch(r"(?:.*[/:#])?(?:(\d{5})_)?(\d{4})(?:\.0)?", text)
    if code:
        group, number = code.group(1), int(code.group(2))
        if group is not None and group != "31001":
            return Use.OTHER  # other constructions: towers, roofs on posts, tanks
        if group is None and number < 2000 and number % 10:
            return Use.UNKNOWN  # a local list: Berlin has one of its own
        table = _ALKIS if group is not None or number >= 2000 else _CITYGML
        found = Use.UNKNOWN
        for lowest, use in table:
            if number < lowest:
                break
            found = use
        return found if number < 4000 else Use.UNKNOWN
    return next((use for pattern, use in _WORDS if re.search(pattern, text)), Use.UNKNOWN)


def texts_of(column: Column) -> tuple[NDArray[np.generic], NDArray[np.intp]]:
    """The different values of a column as text, and the index of each row's value among them."""
    if column.numeric:
        numbers, which = np.unique(column.values, return_inverse=True)
        texts = np.array(["" if np.isnan(n) else f"{n:g}" for n in numbers.tolist()], dtype=object)
        return texts, which
    distinct: dict[str, int] = {}
    which = np.fromiter(
        (distinct.setdefault(text, len(distinct)) for text in column.values.tolist()), np.intp, len(column.values)
    )
    return np.array(list(distinct), dtype=object), which


def numbers_of(column: Column) -> NDArray[np.float64]:
    """A column as numbers, NaN where a value is missing or is no number; a decimal comma is understood."""
    if column.numeric:
        return column.values.astype(np.float64)
    texts, which = texts_of(column)
    return np.array([_number(str(text)) for text in texts], dtype=np.float64)[which] if len(texts) else np.empty(0)


def _number(text: str) -> float:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return float("nan")
    return number if np.isfinite(number) else float("nan")


def building_use(objects: ObjectTable) -> NDArray[np.uint8]:
    """(K,) ``Use`` of the top-level objects, from ``function``, then ``usage``, then ``class``."""
    result = np.zeros(len(objects.features), dtype=np.uint8)
    for name in ("function", "usage", "use", "class", "building"):
        column = objects.feature_column(name)
        if column is None:
            continue
        texts, which = texts_of(column)
        by_text = np.array([use_of_text(str(text)) for text in texts], dtype=np.uint8)
        result = np.where(result == Use.UNKNOWN, by_text[which] if len(texts) else 0, result).astype(np.uint8)
    return result


def column_like(objects: ObjectTable, names: tuple[str, ...]) -> Column | None:
    """The first column of the top-level objects whose name is one of ``names``, whatever its case and
    underscores."""
    by_key = {name.replace("_", "").lower(): name for name in reversed(list(objects.attributes))}
    found = next((by_key[key] for key in (n.replace("_", "").lower() for n in names) if key in by_key), None)
    return None if found is None else objects.feature_column(found)
