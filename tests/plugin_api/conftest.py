from __future__ import annotations

import pytest

from viewer.plugin_api.net import Copies, Limits, Network


@pytest.fixture
def copies(tmp_path):
    return Copies(tmp_path / "copies")


@pytest.fixture
def network(server, copies):
    """Allowed to contact the server of the test, and impatient."""
    return Network([server.host], copies=copies, limits=Limits(connect_s=1.0, silent_s=0.5, total_s=1.0))
