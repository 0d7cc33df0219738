import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """No test touches the folders of the person who runs it."""
    monkeypatch.setenv("STADTFORUM_HOME", str(tmp_path / "home"))
