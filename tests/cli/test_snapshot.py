import struct
import zlib

import numpy as np
import pytest

from viewer.cli import run, snapshot
from viewer.cli.png import png_chunks
from viewer.scenario import Scenario, Setting
from viewer.session import Camera, Document, Source, View
from viewer.session.store import save_session


def read_png(data):
    """(H, W, channels) of a PNG without filters."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    position, packed, header = 8, b"", None
    while position < len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        body = data[position + 8 : position + 8 + length]
        assert struct.unpack(">I", data[position + 8 + length : position + 12 + length])[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
        position += 12 + length
    width, height, _, colour = header[:4]
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 4 if colour == 6 else 3)


@pytest.mark.parametrize("shape", [(1, 1, 3), (300, 7, 4), (513, 640, 3)])
def test_a_picture_comes_back_from_png_the_same(shape):
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(read_png(b"".join(png_chunks(image))), image)


@pytest.fixture
def drawn(monkeypatch):
    """What would be drawn; the drawing itself is tested with the scene."""
    calls = []

    def draw(state, size, pose):
        calls.append((state, size, pose))
        return np.zeros((size[1], size[0], 3), np.uint8)

    monkeypatch.setattr(snapshot, "draw", draw)
    return calls


def snap(*arguments):
    return run(["snapshot", *(str(a) for a in arguments)])


def test_levers_size_and_view_reach_the_picture(city, trees, tmp_path, drawn, capsys):
    out = tmp_path / "out.png"
    assert snap(city, trees, "-o", out, "--size", "64x48", "--set", "storeys_added=2", "--view", "top") == 0
    ((state, size, pose),) = drawn
    assert size == (64, 48)
    assert pose.tilt_deg > 89 and pose.target[:2] == pytest.approx(state.city.extent_local.mean(axis=0)[:2], abs=0.05)
    assert state.quality == "full"
    assert (state.change.storeys_added == 2).all()
    assert len(state.layers) == 1 and len(state.layers[0].layer) == 3
    assert read_png(out.read_bytes()).shape == (48, 64, 3)
    assert "out.png" in capsys.readouterr().out


def test_home_looks_where_it_is_told_to(city, tmp_path, drawn, capsys):
    out = tmp_path / "out.png"
    assert snap(city, "-o", out, "--size", "64x48") == 0
    assert snap(city, "-o", out, "--size", "64x48", "--heading", "-90", "--tilt", "12") == 0
    (_, _, usual), (_, _, asked) = drawn
    assert (asked.heading_deg, asked.tilt_deg) == pytest.approx((270.0, 12.0))
    assert asked.position[0] > asked.target[0] + 5, "it looks from the east"
    assert usual.position[0] < usual.target[0]
    assert snap(city, "-o", out, "--heading", "nan") == 2
    assert "--heading" in capsys.readouterr().err


def test_the_city_is_coloured_by_attribute_or_indicator(city, tmp_path, drawn, capsys):
    out = tmp_path / "o.png"
    assert snap(city, "-o", out, "--size", "8x8", "--color-by", "function") == 0
    assert drawn[-1][0].colouring.classes == ("1000",)
    assert snap(city, "-o", out, "--size", "8x8", "--color-by", "surface") == 0
    assert drawn[-1][0].colouring.values is None
    assert snap(city, "-o", out, "--color-by", "mood") == 2
    err = capsys.readouterr().err
    assert "mood" in err and "surface" in err and err.count("\n") == 1


def test_a_saved_view_brings_camera_scenario_and_layers(city, trees, tmp_path, drawn, capsys):
    camera = Camera((565000.0, 5934000.0, 100.0), (565030.0, 5934004.0, 10.0))
    tree_source = Source("trees", str(trees), "layer", options=(("crs", "EPSG:25832"),))
    document = Document(
        sources=(Source("city", str(city), "city"), tree_source),
        scenarios=(Scenario("As it is"), Scenario("More", (Setting("storeys_added", 3.0),))),
        active="As it is",
        views=(View("Square", camera, "More", ()),),
    )
    path = tmp_path / "plan.stadtforum"
    save_session(path, document)
    assert snap(path, "-o", tmp_path / "o.png", "--size", "8x8", "--view", "Square") == 0
    state, _, pose = drawn[-1]
    frame = state.city.frame
    assert frame.crs_from_local(pose.position) == pytest.approx(np.array(camera.position_crs))
    assert frame.crs_from_local(pose.target) == pytest.approx(np.array(camera.target_crs))
    assert (state.change.storeys_added == 3).all()
    assert not state.layers[0].visible
    assert snap(path, "-o", tmp_path / "o.png", "--view", "Market") == 2
    assert "Market" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["", "0x10", "10", "7681x10", "10x4321", "axb", "-5x5"])
def test_an_impossible_size_is_one_line(city, tmp_path, size, capsys, drawn):
    assert snap(city, "-o", tmp_path / "o.png", f"--size={size}") == 2
    assert "1920x1080" in capsys.readouterr().err
    assert not drawn and not (tmp_path / "o.png").exists()


def test_a_place_that_cannot_be_written_is_one_line(city, tmp_path, drawn, capsys):
    assert snap(city, "-o", tmp_path / "none" / "o.png", "--size", "8x8") == 2
    assert "folder does not exist" in capsys.readouterr().err
    assert snap(city, "-o", tmp_path / "o.jpg") == 2
    assert ".png" in capsys.readouterr().err


def test_credits_and_legend_stand_in_the_picture(city, tmp_path, monkeypatch, capsys):
    told = []
    monkeypatch.setattr(snapshot, "draw", lambda state, size, pose: np.zeros((size[1], size[0], 3), np.uint8))
    monkeypatch.setattr("viewer.scene.annotate.annotate", lambda picture, **words: told.append(words) or picture)
    monkeypatch.setattr("viewer.workspace.Workspace.attributions", lambda self: ("© Somebody",))
    assert snap(city, "-o", tmp_path / "a.png", "--color-by", "function") == 0
    assert told[0]["credits"] == "© Somebody"
    assert [text for _, text in told[0]["legend"]] == ["1000"]
