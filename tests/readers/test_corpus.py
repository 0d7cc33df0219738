"""Every damaged file that once went wrong is read again: what is sound is shown, what is not is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.readers.mutants import ROOT
from viewer.plugin_api import ReadContext
from viewer.plugin_host import PluginHost
from viewer.readers import cityjson_objects, footprints

CORPUS = Path(__file__).parent / "corpus"
FOOTPRINTS = "stadtforum:Footprints with a height"
AREAS = "areas:Areas and lines"

#: file, reader -> objects or areas with a shape, and the message that tells of the other one.
OUTCOMES = {
    ("infinite_coordinate.geojson", FOOTPRINTS): (1, footprints.ENDLESS),
    ("infinite_coordinate.geojson", AREAS): (1, "Areas with an impossible outline, left out: {count}"),
    ("index_as_text.city.json", ""): (1, cityjson_objects.BROKEN_GEOMETRY),
    ("index_as_fraction.city.json", ""): (1, cityjson_objects.BROKEN_GEOMETRY),
}


@pytest.fixture(scope="module")
def host() -> PluginHost:
    return PluginHost([ROOT / "plugins"], packages=False)


@pytest.mark.parametrize(("name", "reader"), OUTCOMES)
def test_a_file_that_once_failed_is_read_with_a_message(host, name, reader):
    shown, text = OUTCOMES[name, reader]
    reading = host.read(CORPUS / name, ReadContext(), reader=reader)
    if reading.city is not None:
        assert len(set(reading.city.face_object.tolist())) == shown
    else:
        assert [len(layer.polygon_feature) for layer in reading.layers] == [shown]
    assert {issue.text: issue.count for issue in reading.report.issues}[text] == 1


def test_every_file_of_the_corpus_has_an_outcome():
    files = {path.name for path in CORPUS.iterdir() if path.suffix != ".md"}
    assert files == {name for name, _ in OUTCOMES}
