"""A host with the bundled plugins, and an open city to read into."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from viewer.city import Frame
from viewer.plugin_api import ReadContext
from viewer.plugin_api.net import Copies, Limits, Network
from viewer.plugin_host import PluginHost

BUNDLED = Path(__file__).resolve().parents[2] / "plugins"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"

#: The open city of these tests: one square kilometre in UTM 32.
FRAME = Frame("EPSG:25832", (565_000.0, 5_934_000.0, 0.0))
EXTENT = np.array([[0.0, 0.0, 0.0], [1000.0, 1000.0, 50.0]])


@pytest.fixture(scope="session")
def host() -> PluginHost:
    return PluginHost([BUNDLED], packages=False)


@pytest.fixture
def read(host):
    """Read a file into the open city; options by keyword."""

    def read_file(path: Path, reader: str = "", frame: Frame = FRAME, **options: str):
        extent = EXTENT if frame is FRAME else None
        return host.read(path, ReadContext(frame=frame, options=options, city_extent_local=extent), reader=reader)

    return read_file


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the real data sets are not beside this checkout")
    return SHARED


@pytest.fixture
def network(server, tmp_path):
    """A way to that server alone, of little patience, with copies of its own."""
    limits = Limits(connect_s=1.0, silent_s=2.0, total_s=5.0)
    return Network([server.host], copies=Copies(tmp_path / "copies"), limits=limits)
