"""IFC: parts with their colours where the file says they stand; without the package, or damaged, one sentence."""

from __future__ import annotations

import importlib.util
import random
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from viewer.city import Frame
from viewer.city.ground import make_ground
from viewer.city.lod import faces_at
from viewer.city.measures import measure
from viewer.city.models import ModelLayer, placed_matrix
from viewer.errors import LimitError, ReadError
from viewer.plugin_api import Progress, ReadContext
from viewer.session import Session
from viewer.session.placement import placement_of
from viewer.workspace import Workspace
from viewer.workspace.models import with_first_place

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("ifcopenshell") is None, reason="ifcopenshell is not installed (the extra 'ifc')"
)

FRAME = Frame("EPSG:25832", (565_000.0, 5_934_000.0, 0.0))
E, N = 565_400.0, 5_934_300.0
MAP = f"#16=IFCPROJECTEDCRS('EPSG:25832',$,'ETRS89',$,$,$,#23);\n#17=IFCMAPCONVERSION(#10,#16,{E},{N},12.,0.,1.,0.001);"


def house(*, place: str = MAP, schema: str = "IFC4", site: str = "$,$,$", north: str = "$") -> str:
    """A wall of 10 x 0.4 x 3 m along x with a colour, a slab of 10 x 8 m without one, a room; in millimetres.

    The origin lies at the wall's outer corner. ``place``: lines for a map conversion. ``site``: latitude,
    longitude, height. ``north``: true north.
    """
    return f"""ISO-10303-21;
HEADER;
FILE_DESCRIPTION(('ViewDefinition [ReferenceView]'),'2;1');
FILE_NAME('house.ifc','2026-01-01T00:00:00',(''),(''),'','','');
FILE_SCHEMA(('{schema}'));
ENDSEC;
DATA;
#1=IFCPROJECT('0000000000000000000001',$,'House',$,$,$,$,(#10),#20);
#10=IFCGEOMETRICREPRESENTATIONCONTEXT($,'Model',3,1.E-05,#11,{north});
#11=IFCAXIS2PLACEMENT3D(#12,$,$);
#12=IFCCARTESIANPOINT((0.,0.,0.));
#15=IFCDIRECTION((1.,1.));
{place}
#20=IFCUNITASSIGNMENT((#21,#22));
#21=IFCSIUNIT(*,.LENGTHUNIT.,.MILLI.,.METRE.);
#22=IFCSIUNIT(*,.PLANEANGLEUNIT.,$,.RADIAN.);
#23=IFCSIUNIT(*,.LENGTHUNIT.,$,.METRE.);
#30=IFCSITE('0000000000000000000002',$,'Site',$,$,#31,$,$,.ELEMENT.,{site},$,$);
#31=IFCLOCALPLACEMENT($,#11);
#32=IFCBUILDING('0000000000000000000003',$,'Building',$,$,#33,$,$,.ELEMENT.,$,$,$);
#33=IFCLOCALPLACEMENT(#31,#11);
#34=IFCRELAGGREGATES('0000000000000000000004',$,$,$,#1,(#30));
#35=IFCRELAGGREGATES('0000000000000000000005',$,$,$,#30,(#32));
#40=IFCWALLSTANDARDCASE('0000000000000000000006',$,'Wall',$,$,#41,#50,${",$" if schema != "IFC2X3" else ""});
#41=IFCLOCALPLACEMENT(#33,#11);
#50=IFCPRODUCTDEFINITIONSHAPE($,$,(#51));
#51=IFCSHAPEREPRESENTATION(#10,'Body','SweptSolid',(#52));
#52=IFCEXTRUDEDAREASOLID(#53,#11,#56,3000.);
#53=IFCRECTANGLEPROFILEDEF(.AREA.,$,#54,10000.,400.);
#54=IFCAXIS2PLACEMENT2D(#55,$);
#55=IFCCARTESIANPOINT((5000.,200.));
#56=IFCDIRECTION((0.,0.,1.));
#60=IFCRELCONTAINEDINSPATIALSTRUCTURE('0000000000000000000007',$,$,$,(#40,#80),#32);
#70=IFCSTYLEDITEM(#52,(#{71 if schema != "IFC2X3" else 74}),$);
#71=IFCSURFACESTYLE('Brick',.BOTH.,(#72));
#72=IFCSURFACESTYLERENDERING(#73,0.,$,$,$,$,$,$,.FLAT.);
#73=IFCCOLOURRGB($,0.8,0.2,0.1);
#74=IFCPRESENTATIONSTYLEASSIGNMENT((#71));
#80=IFCSLAB('0000000000000000000008',$,'Slab',$,$,#41,#81,$,.FLOOR.);
#81=IFCPRODUCTDEFINITIONSHAPE($,$,(#82));
#82=IFCSHAPEREPRESENTATION(#10,'Body','SweptSolid',(#83));
#83=IFCEXTRUDEDAREASOLID(#84,#87,#56,200.);
#84=IFCRECTANGLEPROFILEDEF(.AREA.,$,#85,10000.,8000.);
#85=IFCAXIS2PLACEMENT2D(#86,$);
#86=IFCCARTESIANPOINT((5000.,4000.));
#87=IFCAXIS2PLACEMENT3D(#88,$,$);
#88=IFCCARTESIANPOINT((0.,0.,-200.));
#90=IFCSPACE('0000000000000000000009',$,'Room',$,$,#41,#91,$,.ELEMENT.,.INTERNAL.,$);
#91=IFCPRODUCTDEFINITIONSHAPE($,$,(#92));
#92=IFCSHAPEREPRESENTATION(#10,'Body','SweptSolid',(#93));
#93=IFCEXTRUDEDAREASOLID(#84,#11,#56,90000.);
ENDSEC;
END-ISO-10303-21;
"""


def texts(reading) -> list[str]:
    return [str(issue.text) for issue in reading.report.issues]


def corners_in_frame(layer: ModelLayer) -> np.ndarray:
    """(V, 3) corners of a model at the place it names."""
    place = layer.place
    matrix = placed_matrix((place.x_local, place.y_local, place.height_local or 0.0), place.turn_deg, layer.scale)
    points = np.concatenate([mesh.positions + np.array(mesh.origin_local) for mesh in layer.meshes])
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def test_without_the_package_one_sentence_says_how_to_get_it_or_do_without(read, tmp_path, monkeypatch):
    (tmp_path / "a.ifc").write_text(house(), encoding="utf-8")
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "ifcopenshell" else found(name)
    )
    with pytest.raises(ReadError) as error:
        read(tmp_path / "a.ifc")
    assert "ifcopenshell" in str(error.value)
    assert "stadtforum[ifc]" in str(error.value)
    assert "IfcConvert model.ifc model.glb" in str(error.value)


def test_ifc_in_another_form_is_refused_with_the_way_out(read, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: object())
    (tmp_path / "a.ifc").write_text("<ifcXML/>", encoding="utf-8")
    with pytest.raises(ReadError, match=r"no IFC file in its STEP form.*Save the model as \.ifc again"):
        read(tmp_path / "a.ifc")


@needs_package
def test_the_map_conversion_puts_every_corner_where_it_belongs(read, tmp_path):
    (tmp_path / "a.ifc").write_text(house(), encoding="utf-8")
    reading = read(tmp_path / "a.ifc")
    (layer,) = reading.layers
    assert isinstance(layer, ModelLayer)
    assert layer.high - layer.low == pytest.approx([10.0, 8.0, 3.2])  # the room is left out
    corners = corners_in_frame(layer)
    # The x axis of the model points north: 10 m along north, 8 m towards the west, from 0.2 m below 12 m.
    assert corners.min(axis=0) == pytest.approx([392.0, 300.0, 11.8], abs=1e-3)
    assert corners.max(axis=0) == pytest.approx([400.0, 310.0, 15.0], abs=1e-3)
    wall = corners[corners[:, 2] > 12.1]
    assert wall[:, 0].min() == pytest.approx(399.6, abs=1e-3)
    assert any("where its file says" in text for text in texts(reading))
    assert reading.report.format == "IFC"
    assert reading.report.crs == "EPSG:25832"


@needs_package
def test_parts_have_the_colour_of_their_material_or_of_their_type(read, tmp_path):
    (tmp_path / "a.ifc").write_text(house(), encoding="utf-8")
    (mesh,) = read(tmp_path / "a.ifc").layers[0].meshes
    high = mesh.positions[:, 2] + mesh.origin_local[2] > 0.3
    assert np.unique(mesh.rgba[high], axis=0).tolist() == [[204, 51, 26, 255]]
    assert (186, 182, 174, 255) in set(map(tuple, mesh.rgba.tolist()))


@needs_package
def test_a_place_in_another_system_is_turned_with_the_map(read, tmp_path):
    import pyproj

    east, north = pyproj.Transformer.from_crs("EPSG:25832", "EPSG:25833", always_xy=True).transform(E, N)
    place = MAP.replace("25832", "25833").replace(str(E), f"{east:.6f}").replace(str(N), f"{north:.6f}")
    place = place.replace("0.,1.,0.001", "$,$,$")
    (tmp_path / "a.ifc").write_text(house(place=place), encoding="utf-8")
    (layer,) = read(tmp_path / "a.ifc").layers
    assert 4.0 < layer.place.turn_deg < 6.0 or 354.0 < layer.place.turn_deg < 356.0
    corners = corners_in_frame(layer)
    back = pyproj.Transformer.from_crs("EPSG:25832", "EPSG:25833", always_xy=True)
    there = np.column_stack(back.transform(corners[:, 0] + 565_000, corners[:, 1] + 5_934_000))
    assert there.min(axis=0) == pytest.approx([east, north], abs=0.02)
    assert there.max(axis=0) == pytest.approx([east + 10, north + 8], abs=0.02)


@needs_package
def test_the_degrees_of_a_site_and_true_north_place_a_model_roughly(read, tmp_path):
    site = "(53,33,15,0),(10,0,0,0),$"
    (tmp_path / "a.ifc").write_text(house(place="", site=site, north="#15"), encoding="utf-8")
    reading = read(tmp_path / "a.ifc", frame=Frame())
    (layer,) = reading.layers
    # True north lies halfway between the model's axes, so its x axis is turned counter-clockwise by 45 degrees.
    assert layer.place.turn_deg == pytest.approx(315.0, abs=1.0)
    assert layer.place.height_local is None
    assert any("may be metres off" in text for text in texts(reading))
    assert reading.report.crs == "EPSG:4326"


@needs_package
def test_older_files_name_their_place_in_a_property_set(read, tmp_path):
    values = {"Eastings": E, "Northings": N, "OrthogonalHeight": 3.0}
    lines = [
        f"#{100 + k}=IFCPROPERTYSINGLEVALUE('{n}',$,IFCLENGTHMEASURE({v}),$);"
        for k, (n, v) in enumerate(values.items())
    ]
    lines += [
        "#110=IFCPROPERTYSINGLEVALUE('Name',$,IFCLABEL('EPSG:25832'),$);",
        "#111=IFCPROPERTYSET('0000000000000000000010',$,'ePSet_MapConversion',$,(#100,#101,#102));",
        "#112=IFCPROPERTYSET('0000000000000000000011',$,'ePSet_ProjectedCRS',$,(#110));",
    ]
    (tmp_path / "a.ifc").write_text(house(schema="IFC2X3", place="\n".join(lines)), encoding="utf-8")
    (layer,) = read(tmp_path / "a.ifc").layers
    corners = corners_in_frame(layer)
    assert corners.min(axis=0) == pytest.approx([400.0, 300.0, 2.8], abs=1e-3)


@needs_package
def test_a_model_without_a_place_or_with_one_in_another_town_goes_beside_the_city(read, tmp_path):
    (tmp_path / "a.ifc").write_text(house(place=""), encoding="utf-8")
    reading = read(tmp_path / "a.ifc")
    assert reading.layers[0].place is None
    assert any("does not say where it stands" in text for text in texts(reading))
    (tmp_path / "b.ifc").write_text(house(place=MAP.replace(str(N), "5300000.")), encoding="utf-8")
    reading = read(tmp_path / "b.ifc")
    assert reading.layers[0].place is None
    assert any("{km} km from the city" in text for text in texts(reading))


@needs_package
def test_packed_files_are_read_and_the_way_out_of_the_folder_is_closed(read, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.ifczip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../house.ifc", house())
    (layer,) = read(tmp_path / "a.ifczip").layers
    assert layer.triangles == 24
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.ifczip"]
    with zipfile.ZipFile(tmp_path / "b.ifczip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(ReadError, match=r"no \.ifc file in this archive"):
        read(tmp_path / "b.ifczip")


@needs_package
def test_opened_alone_a_model_brings_its_place_into_the_session(host, tmp_path):
    (tmp_path / "a.ifc").write_text(house(), encoding="utf-8")
    workspace = Workspace(Session(), host)
    options = dict(workspace.read(tmp_path / "a.ifc", Progress()).options)
    # The foot is the middle of the box: 5 m along the wall (north), 4 m across (west).
    assert float(options["model_east"]) == pytest.approx(E - 4, abs=1e-3)
    assert float(options["model_north"]) == pytest.approx(N + 5, abs=1e-3)
    assert float(options["model_turn_deg"]) == pytest.approx(270.0, abs=1e-3)


@needs_package
@pytest.mark.parametrize(("height", "above"), [("12.", 1.8), ("10.", -0.2), ("5.", 0.0), ("57.", 0.0)])
def test_a_height_counts_where_it_fits_the_ground(host, tmp_path, height, above):
    """The ground lies at 10 m; the foot of the model 0.2 m below its origin, its top 3.2 m above the foot."""
    from tests.builders import box, city_of

    (tmp_path / "a.ifc").write_text(house(place=MAP.replace(",12.,", f",{height},")), encoding="utf-8")
    city = city_of([box(10, 10, 6, x=380.0, y=280.0, z=10.0)])
    ground = make_ground(city, faces_at(city), measure(city, faces_at(city)))
    layer = host.read(tmp_path / "a.ifc", ReadContext(frame=FRAME)).layers[0]
    placement = placement_of(with_first_place((), layer, replace(city, frame=FRAME), ground))
    assert placement.height_m == pytest.approx(above, abs=1e-3)


@needs_package
def test_damaged_files_end_in_a_model_or_one_clear_error(read, tmp_path):
    """Each mutant starts a process, so these are few; what they end is the helper's own process."""
    rng = random.Random(33)
    sound = house().encode()
    path = tmp_path / "a.ifc"
    for number in range(8):
        data = bytearray(sound)
        if number % 2:
            del data[rng.randrange(300, len(data)) :]
        for _ in range(20):
            data[rng.randrange(220, len(data))] = rng.randrange(256)
        path.write_bytes(data)
        try:
            assert read(path).layers[0].triangles > 0, f"seed 33, mutant {number}"
        except ReadError as error:
            assert str(error).strip(), f"seed 33, mutant {number}"


@needs_package
def test_nothing_is_taken_beyond_the_limits(read, tmp_path, monkeypatch):
    (tmp_path / "a.ifc").write_text(house(), encoding="utf-8")
    read(tmp_path / "a.ifc")
    (module,) = (m for m in list(sys.modules.values()) if "read_ifc" in vars(m))
    monkeypatch.setattr(module, "SECONDS", 0.001)
    with pytest.raises(LimitError, match="seconds"):
        read(tmp_path / "a.ifc")
