"""Measuring official city models; skipped where they are not at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from viewer.city.ground import make_ground
from viewer.city.lod import faces_at
from viewer.city.measures import measure
from viewer.plugin_api import ReadContext
from viewer.readers.citygml import read_citygml
from viewer.readers.cityjson import read_cityjson

DATA = Path(__file__).parents[3] / "shared" / "data"
FILES = {
    "bavaria-lod2-gausskrueger/LOD2_4424_5482_solid.gml": (111, 1.00),
    "berlin-lod2-tiles/3900_5820.gml": (75, 0.85),
    "den-haag/DenHaag_01.city.json": (844, 0.95),
    "nrw-lod2-tile/LoD2_32_280_5659_1_NW.gml": (109, 0.75),
    "potsdam-lod1/Potsdam_LoD1.gml": (97, 1.00),
    "tudelft-3dbag-multilod/tudelft.city.json": (432, 0.95),
}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the collection of real city models is not here")


@pytest.mark.parametrize(("file", "buildings", "closed_share"), [(f, *v) for f, v in FILES.items()])
def test_official_model_is_measured_plausibly(file: str, buildings: int, closed_share: float):
    path = DATA / file
    read = read_cityjson if "json" in path.suffix else read_citygml
    city = read(path, ReadContext())
    faces = faces_at(city)
    m = measure(city, faces)
    b = m.is_building
    assert b.sum() == buildings
    assert np.isfinite(m.footprint_m2[b]).all() and (m.footprint_m2[b] > 0).all()
    assert m.closed[b].mean() >= closed_share
    height = (m.top_m - m.ground_m)[b]
    assert (m.volume_m3[b] <= m.footprint_m2[b] * height * 1.3 + 1).mean() > 0.97
    assert ((m.eaves_m - m.ground_m)[b] <= height + 1e-6).all()
    assert 1 <= np.median(m.storeys[b]) <= 8 and m.storeys[b].max() < 60
    off = np.abs(make_ground(city, faces, m).height_at(m.centre_local) - m.ground_m)[b]
    assert np.median(off) < 0.3 and np.percentile(off, 95) < 2.0
