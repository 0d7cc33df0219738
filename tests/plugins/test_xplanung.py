"""Development plans: areas, signs, labels and limits as the plan means them; hostile files cost nothing."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from viewer.errors import ReadError
from viewer.plugin_api import AreaLayer, LineLayer, PointLayer

X, Y = 565_000.0, 5_934_000.0
GML = 'xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:xlink="http://www.w3.org/1999/xlink"'


def corners(ring, swapped=False):
    pairs = [(X + x, Y + y) for x, y in [*ring, ring[0]]]
    return " ".join(f"{b} {a}" if swapped else f"{a} {b}" for a, b in pairs)


def polygon(ring, holes=(), crs="EPSG:25832", swapped=False):
    inner = "".join(
        f"<gml:interior><gml:LinearRing><gml:posList>{corners(hole, swapped)}</gml:posList></gml:LinearRing>"
        "</gml:interior>"
        for hole in holes
    )
    return (
        f'<gml:Polygon srsName="{crs}"><gml:exterior><gml:LinearRing><gml:posList>{corners(ring, swapped)}'
        f"</gml:posList></gml:LinearRing></gml:exterior>{inner}</gml:Polygon>"
    )


def square(x, y, size):
    return [(x, y), (x + size, y), (x + size, y + size), (x, y + size)]


def member(kind, shape, attributes="", name="position", key="a"):
    return (
        f'<gml:featureMember><xplan:{kind} gml:id="{key}">{attributes}'
        f"<xplan:{name}>{shape}</xplan:{name}></xplan:{kind}></gml:featureMember>"
    )


def values(**attributes):
    return "".join(f"<xplan:{name}>{value}</xplan:{name}>" for name, value in attributes.items())


def document(*members, version="6/0"):
    return (
        f'<?xml version="1.0" encoding="utf-8"?><xplan:XPlanAuszug {GML} '
        f'xmlns:xplan="http://www.xplanung.de/xplangml/{version}">{"".join(members)}</xplan:XPlanAuszug>'
    )


WA = values(GRZ="0.4", GFZ="0.8", Z="2", bauweise="1000", besondereArtDerBaulNutzung="1200")


@pytest.fixture
def plan(read, tmp_path):
    def read_plan(*members, version="6/0", **options):
        path = tmp_path / "plan.gml"
        path.write_text(document(*members, version=version), encoding="utf-8")
        return read(path, **options)

    return read_plan


@pytest.mark.parametrize("version", ["4/1", "5/4", "6/0"])
def test_a_building_area_has_its_use_its_label_and_its_limits(plan, version):
    reading = plan(member("BP_BaugebietsTeilFlaeche", polygon(square(10, 10, 50)), WA), version=version)
    assert reading.reader == "xplanung:Development plan (XPlanGML)"
    assert reading.questions == {}
    assert reading.report.version == version.replace("/", ".")
    layer = reading.layers[0]
    assert isinstance(layer, AreaLayer)
    assert layer.row_values(0)["Nutzung"] == "Allgemeines Wohngebiet"
    assert layer.row_values(0)["Festsetzung"] == "WA II o GRZ 0,4 GFZ 0,8"
    assert [layer.attributes[name][0] for name in ("GRZ", "GFZ", "Z")] == [0.4, 0.8, 2.0]
    assert layer.label_column == "Festsetzung" and layer.style_column == "Nutzung"
    assert layer.class_colors["Allgemeines Wohngebiet"] == "#cf9377"
    assert layer.positions_local.min(axis=0) == pytest.approx([10, 10])


@pytest.mark.parametrize(
    ("attributes", "label"),
    [
        (values(besondereArtDerBaulNutzung="1600", Zzwingend="5"), "MK (V)"),
        (values(besondereArtDerBaulNutzung="1500", Zmin="2", Zmax="4"), "MI II–IV"),
        (values(besondereArtDerBaulNutzung="1700", GRZ="0,8", BMZ="9"), "GE GRZ 0,8 BMZ 9"),
        (values(allgArtDerBaulNutzung="1000", MaxZahlWohnungen="2"), "W 2 Wo"),
        (values(besondereArtDerBaulNutzung="9999"), ""),
    ],
)
def test_labels_read_like_those_of_a_plan(plan, attributes, label):
    layer = plan(member("BP_BaugebietsTeilFlaeche", polygon(square(0, 0, 10)), attributes)).layers[0]
    assert layer.attributes["Festsetzung"][0] == label


def height(value, point, reference):
    return (
        f"<xplan:hoehenangabe><xplan:XP_Hoehenangabe><xplan:hoehenbezug>{reference}</xplan:hoehenbezug>"
        f'<xplan:bezugspunkt>{point}</xplan:bezugspunkt><xplan:hMax uom="m">{value}</xplan:hMax>'
        "</xplan:XP_Hoehenangabe></xplan:hoehenangabe>"
    )


def test_the_highest_point_that_is_limited_counts_and_heights_above_the_sea_are_kept_apart(plan):
    attributes = WA + height(6.5, 1000, 2000) + height(10, 2000, 2000) + height(38.5, 3000, 1000)
    layer = plan(member("BP_BaugebietsTeilFlaeche", polygon(square(0, 0, 10)), attributes)).layers[0]
    assert layer.attributes["Hmax"][0] == 10.0
    assert layer.attributes["Hmax NHN"][0] == 38.5
    assert layer.attributes["Festsetzung"][0].endswith("TH 6,5 FH 10 OK 38,5 NHN")


def test_lines_have_the_colours_of_their_signs(plan):
    line = f"<gml:LineString><gml:posList>{X} {Y} {X + 10} {Y}</gml:posList></gml:LineString>"
    reading = plan(member("BP_BauLinie", line), member("BP_BauGrenze", line))
    layer = reading.layers[0]
    assert isinstance(layer, LineLayer)
    assert layer.attributes["Nutzung"].tolist() == ["Baulinie", "Baugrenze"]
    assert layer.class_colors == {"Baulinie": "#d62728", "Baugrenze": "#1f6fd0"}


def test_overlays_are_hatched_and_hide_nothing(plan):
    reading = plan(
        member("BP_BaugebietsTeilFlaeche", polygon(square(0, 0, 100)), WA),
        member("BP_AnpflanzungBindungErhaltung", polygon(square(10, 10, 40)), values(flaechenschluss="false")),
    )
    areas, overlay = reading.layers
    assert len(areas) == 1 and isinstance(overlay, LineLayer)
    assert len(overlay) > 5
    assert overlay.positions_local.min() >= 10 - 1e-6 and overlay.positions_local.max() <= 50 + 1e-6


def test_a_small_area_within_a_large_one_lies_on_top(plan):
    reading = plan(
        member("BP_BaugebietsTeilFlaeche", polygon(square(40, 40, 10)), WA, key="small"),
        member("BP_GruenFlaeche", polygon(square(0, 0, 100)), key="large"),
    )
    assert reading.layers[0].attributes["id"].tolist() == ["large", "small"]


def test_holes_stay_open(plan):
    shape = polygon(square(0, 0, 100), [square(20, 20, 30)])
    layer = plan(member("BP_GruenFlaeche", shape)).layers[0]
    assert layer.ring_start.tolist() == [0, 4, 8] and layer.polygon_ring_start.tolist() == [0, 2]


def test_arcs_are_round(plan):
    ring = (
        '<gml:Polygon srsName="EPSG:25832"><gml:exterior><gml:Ring><gml:curveMember><gml:Curve><gml:segments>'
        f"<gml:Arc><gml:posList>{X + 20} {Y} {X} {Y + 20} {X - 20} {Y}</gml:posList></gml:Arc>"
        f"<gml:LineStringSegment><gml:posList>{X - 20} {Y} {X + 20} {Y}</gml:posList></gml:LineStringSegment>"
        "</gml:segments></gml:Curve></gml:curveMember></gml:Ring></gml:exterior></gml:Polygon>"
    )
    layer = plan(member("BP_GruenFlaeche", ring)).layers[0]
    x, y = layer.positions_local.T
    area = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
    assert area == pytest.approx(np.pi * 400 / 2, rel=0.003)


@pytest.mark.parametrize(
    ("crs", "swapped"),
    [
        ("EPSG:25832", False),
        ("urn:ogc:def:crs:EPSG::25832", False),
        ("urn:adv:crs:ETRS89_UTM32", False),
        ("http://www.opengis.net/def/crs/EPSG/0/25832", True),  # wrong, and told by where it would land
    ],
)
def test_the_plan_lands_where_it_belongs_whatever_its_system_is_called(plan, crs, swapped):
    layer = plan(member("BP_GruenFlaeche", polygon(square(0, 0, 100), crs=crs, swapped=swapped))).layers[0]
    assert layer.positions_local.min(axis=0) == pytest.approx([0, 0], abs=0.01)


def test_single_signs_are_points(plan):
    point = f"<gml:Point><gml:pos>{X + 5} {Y + 6}</gml:pos></gml:Point>"
    layer = plan(member("BP_AnpflanzungBindungErhaltung", point)).layers[0]
    assert isinstance(layer, PointLayer)
    assert layer.positions_local[0, :2] == pytest.approx([5, 6])


def test_one_bad_shape_costs_only_itself(plan):
    bad = "<gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>1 2 3</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>"  # noqa: E501
    reading = plan(member("BP_GruenFlaeche", bad), member("BP_WaldFlaeche", polygon(square(0, 0, 10))))
    assert len(reading.layers[0]) == 1
    assert "Objects whose shape cannot be understood, left out: 1" in map(str, reading.report.issues)


def test_kinds_without_a_sign_are_counted(plan):
    reading = plan(
        member("BP_WaldFlaeche", polygon(square(0, 0, 10))), member("BP_Unbekannt", polygon(square(0, 0, 10)))
    )
    issue = next(i for i in reading.report.issues if "without a sign" in i.text)
    assert issue.count == 1 and issue.where == ("BP_Unbekannt",)


def test_a_zipped_plan_is_read(read, tmp_path):
    with zipfile.ZipFile(tmp_path / "plan.zip", "w") as archive:
        archive.writestr("../../escape.gml", "x" * 9000)
        archive.writestr("xplan.gml", document(member("BP_WaldFlaeche", polygon(square(0, 0, 10)))))
    reading = read(tmp_path / "plan.zip", reader="xplanung:Development plan (XPlanGML)")
    assert len(reading.layers[0]) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["plan.zip"]


def test_entities_are_refused(read, tmp_path):
    text = document(member("BP_WaldFlaeche", polygon(square(0, 0, 10)), values(name="&x;")))
    text = text.replace("?>", '?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>', 1)
    (tmp_path / "plan.gml").write_text(text, encoding="utf-8")
    with pytest.raises(ReadError):
        read(tmp_path / "plan.gml")


def test_a_file_that_breaks_off_shows_what_came_before(read, tmp_path):
    parts = [member("BP_WaldFlaeche", polygon(square(i * 20, 0, 10)), key=f"k{i}") for i in range(5)]
    text = document(*parts)
    (tmp_path / "plan.gml").write_text(text[: int(len(text) * 0.7)], encoding="utf-8")
    reading = read(tmp_path / "plan.gml")
    assert 1 <= len(reading.layers[0]) < 5
    assert any("breaks off" in str(issue) for issue in reading.report.issues)


def test_mutants_end_in_layers_or_in_one_clear_error(read, tmp_path):
    text = document(
        member("BP_BaugebietsTeilFlaeche", polygon(square(0, 0, 10)), WA + height(5, 1000, 2000)),
        member("BP_WaldFlaeche", polygon(square(20, 0, 10))),
    ).encode()
    rng = np.random.default_rng(11)
    path = tmp_path / "plan.gml"
    print("seed 11, 60 mutants")
    for _ in range(60):
        data = bytearray(text)
        for at in rng.integers(0, len(data), 3):
            data[at] = rng.integers(32, 127)
        path.write_bytes(data)
        try:
            read(path, reader="xplanung:Development plan (XPlanGML)")
        except ReadError as error:
            assert str(error)


def test_the_real_plans_of_hamburg(read, shared):
    from viewer.city import Frame

    plan = read(shared / "hamburg-xplan" / "Blankenese29.gml", frame=Frame())
    areas = plan.layers[0]
    assert plan.report.crs == "EPSG:25832" and plan.questions == {}
    assert (areas.attributes["Objektart"] == "BP_BaugebietsTeilFlaeche").sum() == 42
    assert np.isfinite(areas.attributes["GRZ"]).sum() > 30
    older = read(shared / "hamburg-xplan" / "Eidelstedt_4_V4.zip", frame=Frame())
    assert older.report.version == "4.1"
    assert "GI GRZ 0,8 BMZ 9" in older.layers[0].attributes["Festsetzung"].tolist()
