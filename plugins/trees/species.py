"""What a tree's name tells about its looks: needles or leaves, usual height, width of the crown."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np

#: Needle trees by their Latin genus, German and English names (any part of a word for German).
_CONIFER_WORDS = {
    "abies", "picea", "pinus", "larix", "taxus", "juniperus", "thuja", "chamaecyparis", "cedrus", "metasequoia",
    "sequoiadendron", "sequoia", "cupressus", "tsuga", "pseudotsuga", "taxodium", "cryptomeria", "araucaria",
    "pine", "spruce", "fir", "larch", "yew", "cedar", "cypress", "juniper", "conifer", "eibe",
}  # fmt: skip
_CONIFER_PARTS = (
    "tanne", "fichte", "kiefer", "laerche", "wacholder", "lebensbaum", "zeder", "mammutbaum", "zypresse", "douglasie",
    "nadelbaum", "nadelgehoelz", "foehre",
)  # fmt: skip

#: Grown height in metres and crown per height, rounded common values for trees in towns; used for drawing only.
_GENERA: tuple[tuple[tuple[str, ...], float, float], ...] = (
    (("tilia", "linde", "linden", "lime"), 22, 0.5),
    (("quercus", "eiche", "oak"), 22, 0.6),
    (("acer", "ahorn", "maple"), 18, 0.55),
    (("aesculus", "kastanie", "chestnut"), 20, 0.6),
    (("platanus", "platane", "plane"), 26, 0.6),
    (("betula", "birke", "birch"), 18, 0.4),
    (("fraxinus", "esche", "ash"), 24, 0.5),
    (("fagus", "rotbuche", "beech"), 26, 0.6),
    (("carpinus", "hainbuche", "hornbeam"), 15, 0.55),
    (("robinia", "robinie", "locust"), 18, 0.5),
    (("populus", "pappel", "poplar"), 26, 0.35),
    (("salix", "weide", "willow"), 15, 0.6),
    (("ulmus", "ulme", "elm"), 22, 0.5),
    (("alnus", "erle", "alder"), 18, 0.4),
    (("prunus", "kirsche", "pflaume", "cherry", "plum"), 9, 0.7),
    (("malus", "apfel", "apple"), 7, 0.8),
    (("pyrus", "birne", "pear"), 10, 0.5),
    (("crataegus", "dorn", "hawthorn"), 7, 0.7),
    (("sorbus", "eberesche", "mehlbeere", "rowan"), 10, 0.55),
    (("corylus", "hasel", "hazel"), 14, 0.5),
    (("gleditsia", "gleditschie"), 16, 0.55),
    (("ginkgo",), 18, 0.4),
    (("juglans", "nuss", "walnut"), 16, 0.7),
    (("pinus", "kiefer", "pine"), 20, 0.35),
    (("picea", "fichte", "spruce"), 24, 0.3),
    (("abies", "tanne", "fir"), 24, 0.3),
    (("taxus", "eibe", "yew"), 9, 0.6),
    (("larix", "laerche", "larch"), 24, 0.35),
)
_OTHER_LEAVES, _OTHER_NEEDLES = (16.0, 0.5), (18.0, 0.33)
#: Share of its grown height a tree reaches per year at first; two thirds after about 25 years.
_GROWTH_PER_YEAR = 0.045
#: Planted trees are about this tall.
_PLANTED_M = 3.0
#: A usual street tree is somewhat past half of its grown height.
_USUAL_SHARE = 0.6


@dataclass(frozen=True, eq=False)
class Kinds:
    """Of N trees: needles, grown and usual height in metres, crown diameter per height."""

    conifer: np.ndarray
    grown_height_m: np.ndarray
    crown_ratio: np.ndarray

    @property
    def typical_height_m(self) -> np.ndarray:
        """(N,) height of a tree of which only the kind is known."""
        return self.grown_height_m * _USUAL_SHARE


def kinds_of(texts: list[np.ndarray], count: int) -> Kinds:
    """Kinds of ``count`` trees from columns of names; a later column is asked where earlier ones tell nothing."""
    conifer = np.zeros(count, dtype=bool)
    height, ratio = np.full(count, _OTHER_LEAVES[0]), np.full(count, _OTHER_LEAVES[1])
    told = np.zeros(count, dtype=bool)
    for column in texts:
        names, inverse = np.unique(column, return_inverse=True)
        facts = np.array([_facts(name) for name in names.tolist()] or [(0.0, 0.0, 0.0, 0.0)])[inverse]
        conifer |= facts[:, 1] > 0
        new = (facts[:, 0] > 0) & ~told
        height[new], ratio[new] = facts[new, 2], facts[new, 3]
        told |= new
    height[conifer & ~told], ratio[conifer & ~told] = _OTHER_NEEDLES
    return Kinds(conifer, height, ratio)


def height_at_age(kinds: Kinds, age_years: np.ndarray) -> np.ndarray:
    """(N,) height in metres after so many years in the street, NaN where the age is unknown."""
    grown = kinds.grown_height_m
    return _PLANTED_M + (grown - _PLANTED_M) * (1.0 - np.exp(-_GROWTH_PER_YEAR * age_years))


def _facts(name: str) -> tuple[float, float, float, float]:
    """(genus known, needles, grown height, crown per height) of one name."""
    text = name.lower()
    for letter, spelled in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.replace(letter, spelled)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = set("".join(c if c.isalnum() else " " for c in text).split())
    needles = bool(words & _CONIFER_WORDS) or any(part in text for part in _CONIFER_PARTS)
    for names, height, ratio in _GENERA:
        if words & set(names) or any(len(part) > 4 and word.endswith(part) for part in names for word in words):
            return 1.0, float(needles), float(height), ratio
    return 0.0, float(needles), 0.0, 0.0
