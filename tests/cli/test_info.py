import json

import pytest

from viewer.cli import run
from viewer.session import Document, Source
from viewer.session.store import save_session

KEYS = [
    "format", "version", "crs", "vertical_crs", "extent", "objects", "buildings", "lods", "triangles", "seconds",
    "messages",
]  # fmt: skip


def info(capsys, *arguments):
    assert run(["info", *(str(a) for a in arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("kind", ["city", "packed"])
def test_a_city_is_told_with_exactly_the_promised_keys(kind, request, capsys):
    facts = info(capsys, request.getfixturevalue(kind))
    assert list(facts) == KEYS
    assert facts["format"] == "CityJSON" and facts["version"] == "2.0"
    assert facts["crs"] == "EPSG:25832"
    assert facts["extent"] == [565000.0, 5934000.0, 10.0, 565070.0, 5934008.0, 16.0]
    assert facts["objects"] == {"Building": 4} and facts["buildings"] == 4
    assert facts["lods"] == ["2"]
    assert facts["triangles"] == 4 * 12
    assert 0 <= facts["seconds"] < 60


def test_messages_have_severity_text_where_and_count(city, capsys):
    text = city.read_text(encoding="utf-8").replace("https://www.opengis.net/def/crs/EPSG/0/25832", "")
    city.write_text(text, encoding="utf-8")
    facts = info(capsys, city)
    assert facts["messages"]
    for message in facts["messages"]:
        assert list(message) == ["severity", "text", "where", "count"]
        assert message["severity"] in ("info", "warning", "error")
        assert "{" not in message["text"] and message["count"] >= 1


def test_a_layer_is_counted_and_its_plugin_named(trees, capsys):
    facts = info(capsys, trees, "--option", "crs=EPSG:25832")
    assert list(facts) == [*KEYS, "plugin"]
    assert facts["plugin"].startswith("trees:")
    assert facts["objects"] == {"Tree": 3} and facts["buildings"] == 0


def test_a_session_tells_what_it_holds(city, tmp_path, capsys):
    path = tmp_path / "plan.stadtforum"
    save_session(path, Document(sources=(Source("city", str(city), "city"),), title="Plan"))
    facts = info(capsys, path)
    assert list(facts) == KEYS and facts["objects"] == {"Source": 1, "Scenario": 1, "View": 0}
    assert run(["info", str(path)]) == 0
    assert "Plan" in capsys.readouterr().out


def test_the_plain_form_says_the_same(city, capsys):
    assert run(["info", str(city)]) == 0
    text = capsys.readouterr().out
    for part in ("CityJSON 2.0", "EPSG:25832", "70 x 8 x 6 m", "48", "4  Building"):
        assert part in text


def test_the_height_system_is_named_or_said_to_be_missing(tmp_path, capsys):
    from tests.readers.gml_fixtures import house, write

    for number, (name, wanted) in enumerate(
        [
            ("urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH", "DHHN2016 (EPSG:7837)"),
            ("urn:adv:crs:ETRS89_UTM32*ETRS89_h", "ellipsoidal height"),
            ("EPSG:25832", "not named"),
        ]
    ):
        path = tmp_path / f"{number}.gml"
        write(path, "2.0", [house("2.0")], srs=name)
        assert run(["info", str(path)]) == 0
        (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("  heights"))
        assert line.split(maxsplit=1)[1] == wanted
