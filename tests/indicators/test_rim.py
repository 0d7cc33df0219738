"""The outline around a city of tiles is found from its outer tiles alone, and is the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.builders import city_of, gable_house
from viewer.city.arrange import arrange
from viewer.city.measures import measure
from viewer.indicators import surfaces
from viewer.indicators.surfaces import study_ring


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_outline_follows_from_the_outer_tiles(monkeypatch, seed):
    monkeypatch.setattr("viewer.city.arrange.MOST_TRIANGLES", 100)
    places = np.random.default_rng(seed).normal(0, 900, (250, 2))
    city = arrange(city_of([gable_house(30, 8, 6, 9, origin=(*place, 0.0)) for place in places]))
    measures = measure(city)
    seen = []
    real = surfaces._near_the_rim

    def near(*args):
        seen.append(real(*args))
        return seen[-1]

    monkeypatch.setattr(surfaces, "_near_the_rim", near)
    ring = study_ring(city, measures)
    np.testing.assert_array_equal(ring, study_ring(replace(city, tiles=None), measures))
    assert len(seen) == 1 and 0 < seen[0].mean() < 0.5
