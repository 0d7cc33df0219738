"""The same city, byte for byte, from a local Dask cluster of which one worker dies on the way."""

from __future__ import annotations

import builtins
import os

import pytest

from tests.workspace.test_baking import Heard, baked, content, deadly, sources  # noqa: F401
from viewer.workspace.cluster import ClusterError, on_cluster

pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")


def test_a_lost_worker_costs_nothing(deadly, tmp_path):  # noqa: F811
    paths, plugins = deadly
    heard = Heard()
    with on_cluster(workers=3) as run:
        result = baked(paths, tmp_path / "dask.city", run, heard, plugins=(plugins,))
    assert paths[2].with_suffix(".tried").exists()  # a worker did die
    assert result.parts == 4 and not result.errors and len(heard.parts) == 4
    baked(paths, tmp_path / "plain.city", plugins=(plugins,))
    assert content(tmp_path / "dask.city") == content(tmp_path / "plain.city") != {}


def test_a_scheduler_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr("viewer.workspace.cluster.PATIENCE_S", 1)
    with (
        pytest.raises(ClusterError, match=r"No scheduler answers at tcp://127.0.0.1:9"),
        on_cluster("tcp://127.0.0.1:9"),
    ):
        pass


def test_workers_of_another_version_are_refused(monkeypatch):
    monkeypatch.setattr("viewer.workspace.cluster.fingerprint", _another)
    with pytest.raises(ClusterError, match="another version"), on_cluster(workers=1):
        pass


def _another() -> str:
    return f"another in every process: {os.getpid()}"


def test_without_the_extra_a_sentence_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "distributed":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ClusterError, match=r"stadtforum\[cluster\]"), on_cluster():
        pass
