import dataclasses
import json

import pytest
from hypothesis import given
from strategies import documents

from viewer.errors import SessionError
from viewer.scenario import Area, Scenario, Selection, Setting, Where
from viewer.session import Camera, Document, FileMark, LayerStyle, Source, View, codec

FULL = Document(
    sources=(
        Source(
            "city", "/data/city.gml", "city", "citygml:CityGML", "City", (("crs", "EPSG:25832"), ("lod", "2")),
            LayerStyle(False, 0.5, "year", "cividis", "#ff0000", True),
            FileMark("city.gml", "/data/city.gml", 5, 7, "ab"),
        ),
    ),
    scenarios=(
        Scenario(
            "Höher",
            (
                Setting("storeys_added", 2.0),
                Setting("height_percent", 120.0, Selection(("a", "b"), "Block")),
                Setting("unsealing_share", 50.0, Area("Hof", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)))),
                Setting("green_roof_share", 30.0, Where("function", "=", "1000")),
            ),
            frozenset({"x"}), frozenset({"y"}), "Notiz", ('{"lever":"shade","value":1.0}',),
        ),
    ),
    active="Höher",
    views=(View("Platz", Camera((1.0, 2.0, 3.0), (4.0, 5.0, 6.0), 40.0), "Höher", ("city",), "Text", 5.0),),
    color_by="attribute:year", title="Titel", credits="Quelle", note="Notiz", sun="2026-06-21T12:00",
    kept=(("later", '{"a":1}'),),
)  # fmt: skip


def json_copy(data):
    return json.loads(json.dumps(data))


@given(documents())
def test_any_document_is_the_same_after_encoding_and_decoding(document):
    again, _ = codec.decode(json_copy(codec.encode(document)))
    assert again == document
    assert codec.state_hash(again) == codec.state_hash(document)


def test_no_field_of_the_document_is_lost():
    """Every field is set away from its default here, so a field the codec forgets comes back different."""
    for value in (FULL, FULL.sources[0], FULL.sources[0].style, FULL.scenarios[0], FULL.views[0], FULL.sources[0].mark):
        for field in dataclasses.fields(value):
            default = field.default if field.default is not dataclasses.MISSING else None
            if field.default_factory is not dataclasses.MISSING:
                default = field.default_factory()
            assert getattr(value, field.name) != default, f"set {field.name} in FULL"
    again, _ = codec.decode(json_copy(codec.encode(FULL, marks=True)))
    assert again == FULL
    assert again.sources[0].mark == FULL.sources[0].mark


def test_equal_numbers_have_equal_hashes():
    assert codec.state_hash(Document(scenarios=(Scenario("a", (Setting("trees_added", 0.0),)),), active="a")) == (
        codec.state_hash(Document(scenarios=(Scenario("a", (Setting("trees_added", -0.0),)),), active="a"))
    )


def test_different_documents_have_different_hashes():
    assert codec.state_hash(FULL) != codec.state_hash(dataclasses.replace(FULL, note="other"))


def test_what_a_newer_version_added_is_kept_and_said():
    data = codec.encode(FULL)
    data["weather"] = {"rain": [1, 2]}
    data["scenarios"][0]["settings"].append({"lever": "moonlight", "value": 3, "target": {"kind": "city"}})
    data["scenarios"][0]["settings"].append({"lever": "trees_added", "value": 25, "target": {"kind": "corridor"}})
    data["views"][0]["sound"] = "birds"
    document, issues = codec.decode(json_copy(data))
    assert dict(document.kept)["weather"] == '{"rain":[1,2]}'
    assert any("has no effect here" in str(issue) and issue.count == 3 for issue in issues)
    assert any("sound" in str(issue) for issue in issues)
    again = codec.encode(document)
    assert again["weather"] == {"rain": [1, 2]}
    assert {"lever": "moonlight", "value": 3, "target": {"kind": "city"}} in again["scenarios"][0]["settings"]
    assert document.scenario.settings == FULL.scenario.settings


def test_a_lever_outside_its_range_is_put_to_the_end_of_it_and_said():
    data = codec.encode(FULL)
    data["scenarios"][0]["settings"][0]["value"] = 99
    document, issues = codec.decode(json_copy(data))
    assert document.scenario.settings[0].value == 5
    assert any("99" in str(issue) for issue in issues)


def broken(change):
    data = json_copy(codec.encode(FULL, marks=True))
    change(data)
    return data


@pytest.mark.parametrize(
    "change, place",
    [
        (lambda d: d.update(active="nobody"), "active"),
        (lambda d: d.update(active=3), "active"),
        (lambda d: d.pop("scenarios"), "scenarios"),
        (lambda d: d.update(scenarios={}), "scenarios"),
        (lambda d: d["scenarios"].append(d["scenarios"][0]), "scenarios"),
        (lambda d: d["sources"].append(d["sources"][0]), "sources"),
        (lambda d: d["sources"][0].update(kind="virus"), "sources[0].kind"),
        (lambda d: d["sources"][0].update(options=[["one"]]), "sources[0].options[0]"),
        (lambda d: d["sources"][0]["style"].update(visible="yes"), "sources[0].style.visible"),
        (lambda d: d["sources"][0]["style"].update(opacity=2), "sources[0].style.opacity"),
        (lambda d: d["sources"][0]["file"].update(size=10**30), "sources[0].file.size"),
        (lambda d: d["scenarios"][0]["settings"][0].update(value=True), "scenarios[0].settings[0].value"),
        (lambda d: d["scenarios"][0]["settings"][0].update(value=10**400), "scenarios[0].settings[0].value"),
        (lambda d: d["scenarios"][0]["settings"][2]["target"].update(ring_crs=[[1]]), "ring_crs[0]"),
        (lambda d: d["scenarios"][0]["settings"][3]["target"].update(operator="; rm"), "operator"),
        (lambda d: d["views"][0]["camera"].update(position_crs=[1, 2, None]), "position_crs[2]"),
        (lambda d: d["views"][0].pop("camera"), "views[0].camera"),
        (lambda d: d["views"].append(7), "views[1]"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(change, place):
    with pytest.raises(SessionError) as caught:
        codec.decode(broken(change))
    assert place in str(caught.value)


@pytest.mark.parametrize("value", [None, [], "text", 3])
def test_something_else_than_a_session_is_refused(value):
    with pytest.raises(SessionError):
        codec.decode(value)


def test_an_old_version_goes_through_every_migration(monkeypatch):
    monkeypatch.setattr(codec, "SCHEMA_VERSION", 3)

    def rename(data):
        data["title"] = data.pop("heading")
        return data

    def shout(data):
        data["title"] += "!"
        return data

    monkeypatch.setattr(codec, "MIGRATIONS", {1: rename, 2: shout})
    data = codec.encode(FULL)
    data["heading"] = data.pop("title")
    document, _ = codec.decode(data, 1)
    assert document.title == "Titel!"


def test_every_version_has_a_migration():
    assert set(codec.MIGRATIONS) == set(range(1, codec.SCHEMA_VERSION))


def test_a_newer_version_is_refused():
    with pytest.raises(SessionError, match="newer version"):
        codec.decode(codec.encode(FULL), codec.SCHEMA_VERSION + 1)
