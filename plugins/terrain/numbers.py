"""Many numbers out of text at once; a word that is none costs only itself."""

from __future__ import annotations

import warnings

import numpy as np


def floats(text: bytes) -> tuple[np.ndarray, int]:
    """(n,) float64 of the words of a text, NaN for those that are no numbers, and how many those are.

    A comma is a decimal point, unless it stands between numbers with points.
    """
    if b"," in text:
        text = text.replace(b",", b" " if b"." in text else b".")
    text = text.replace(b";", b" ")
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text, sep=" "), 0
        except (DeprecationWarning, ValueError):
            words = np.array(text.split(), dtype=object)
    import pandas

    values = pandas.to_numeric(np.array([w.decode("latin-1") for w in words], dtype=object), errors="coerce")
    values = np.asarray(values, np.float64)
    named = np.array([w.lower() in (b"nan", b"null", b"-nan") for w in words], bool)
    return values, int((np.isnan(values) & ~named).sum())
