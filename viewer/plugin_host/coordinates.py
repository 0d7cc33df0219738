"""What a context is lent: coordinate systems (the file's, a choice or a guess), frames, and the making of cities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel, Frame
from viewer.plugin_api import RawCity, ReadContext
from viewer.readers.assemble import assemble
from viewer.readers.crs import guess_crs, parse_crs, transform, utm_zone_for

#: Projections whose metres are not metres on the ground.
_NOT_TO_SCALE = {"EPSG:3857", "EPSG:900913"}


def prepare(context: ReadContext) -> None:
    """Give a context without coordinate transformations and the making of cities ours."""
    blank = ReadContext()
    if context.transform is blank.transform:
        context.transform = transform
    if context.choose_crs is blank.choose_crs:
        context.choose_crs = choose_crs
    if context.assemble is blank.assemble:
        context.assemble = _assemble


def _assemble(raw: RawCity, context: ReadContext, path: Path) -> CityModel:
    return assemble(raw, context, path=path)


def choose_crs(context: ReadContext, points: NDArray[np.float64], crs: str) -> str:
    """The system of points (N, 2+), written into the context's facts and, if assumed, its questions.

    Without an open city the context gets a frame in metres around the points.
    """
    picked = context.options.get("crs", "")
    chosen = picked or crs
    known = parse_crs(chosen).horizontal
    if known and not picked and parse_crs(known).geographic and not _are_degrees(points):
        context.warn("The coordinates are no degrees, although the file says {crs}.", crs=known)
        known = _assumed(context, points)
    elif not known:
        if chosen:
            context.warn("The coordinate system {crs} is not known.", crs=chosen[:80])
        else:
            context.warn("The file does not name its coordinate system.")
        known = _assumed(context, points)
    context.facts["crs"] = known
    if known and not context.frame.crs:
        context.frame = _frame_around(points, known)
    return known


def _are_degrees(points: NDArray[np.float64]) -> bool:
    """Whether most points can be longitude and latitude; GeoJSON without a system claims so of anything."""
    with np.errstate(invalid="ignore"):
        possible = (np.abs(points[:, 0]) <= 360) & (np.abs(points[:, 1]) <= 90)
    known = np.isfinite(points[:, :2]).all(axis=1)
    return not known.any() or float(possible[known].mean()) > 0.5


def _assumed(context: ReadContext, points: NDArray[np.float64]) -> str:
    """A guess, written into the context's questions and told."""
    guesses = guess_crs(points)
    city = context.frame.crs
    if city and any(guess == city for guess, _ in guesses):
        guesses = [(city, "it is the one of the open city")]
    if not guesses and city:
        guesses = [(city, "it is the one of the open city")]
    guess, reason = guesses[0] if guesses else ("", "")
    context.questions["crs"] = guess
    if guess:
        if "{crs}" in reason:  # a whole sentence of its own
            context.warn(reason, crs=guess)
        else:
            context.warn("{crs} was assumed: {reason}.", crs=guess, reason=reason)
    return guess


def _frame_around(points: NDArray[np.float64], crs: str) -> Frame:
    """A frame in metres with its origin in the middle of the points."""
    sample = points[np.isfinite(points).all(axis=1)][:, :2]
    if not len(sample):
        return Frame()
    recognised = parse_crs(crs)
    target = crs
    if recognised.geographic or recognised.unit_m != 1.0 or crs in _NOT_TO_SCALE:
        lon, lat = np.median(transform(sample[:: max(1, len(sample) // 1000)], crs, "EPSG:4326"), axis=0)
        if not (np.isfinite(lon) and np.isfinite(lat)):
            return Frame()
        target = utm_zone_for(float(lon), float(lat))
    middle = np.round(np.median(transform(sample, crs, target), axis=0))
    if not np.isfinite(middle).all():
        return Frame()
    return Frame(target, (float(middle[0]), float(middle[1]), 0.0))
