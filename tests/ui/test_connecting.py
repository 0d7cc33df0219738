"""A server is contacted when a person says so, and not before."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QPushButton

from tests.loopback import Said
from viewer.settings import Settings
from viewer.ui.connecting import LoginDialog


@pytest.fixture
def server(server):
    picture = io.BytesIO()
    Image.fromarray(np.full((256, 256, 4), 200, np.uint8), "RGBA").save(picture, "PNG")
    server.routes["*"] = Said(picture.getvalue(), "image/png")
    return server


@pytest.fixture
def source(server, tmp_path):
    path = tmp_path / "map.source.json"
    entry = {
        "stadtforum": "source",
        "type": "xyz",
        "url": server.url + "/{z}/{x}/{y}.png",
        "title": "Karte",
        "max_zoom": 14,
    }
    path.write_text(json.dumps(entry), encoding="utf-8")
    return path


def choose(banner, text: str, qtbot) -> None:
    next(b for b in banner.findChildren(QPushButton) if b.text() == text).click()
    qtbot.wait(20)


def question(window):
    [banner] = [b for b in window.stage.toasts.banners() if b.kind == "question" and "Connect" in b.sentence.text()]
    return banner


def test_nothing_is_sent_before_a_person_allows_it(city_window, server, source, qtbot):
    city_window.opener.open([str(source)])
    qtbot.wait(20)
    assert server.asked == []
    assert server.host in question(city_window).sentence.text()
    choose(question(city_window), "Connect", qtbot)
    assert server.asked
    assert [s.title for s in city_window.workspace.session.document.sources][-1] == "Karte"
    assert city_window.settings.value.allowed_hosts == ()


def test_what_is_allowed_for_good_is_remembered_on_this_computer_alone(city_window, server, source, qtbot):
    city_window.opener.open([str(source)])
    qtbot.wait(20)
    choose(question(city_window), "Always connect", qtbot)
    assert Settings(city_window.settings.path).value.allowed_hosts == (server.host,)
    assert server.host not in json.dumps(list(map(str, city_window.workspace.session.document.sources)))
    city_window.opener.connecting.forget_all()
    assert not city_window.workspace.host.network.may_contact(server.host)
    assert Settings(city_window.settings.path).value.allowed_hosts == ()


def test_a_question_that_is_closed_sends_nothing_and_can_come_again(city_window, server, source, qtbot):
    for _ in range(2):
        city_window.opener.open([str(source)])
        qtbot.wait(20)
        question(city_window).dismiss()
        qtbot.wait(20)
    assert server.asked == []
    assert len(city_window.workspace.session.document.sources) == 1


def test_two_sources_of_one_server_ask_once(city_window, server, source, tmp_path, qtbot):
    other = tmp_path / "other.source.json"
    other.write_bytes(source.read_bytes())
    city_window.opener.open([str(source), str(other)])
    qtbot.wait(40)
    choose(question(city_window), "Connect", qtbot)
    qtbot.wait(40)
    assert len(city_window.workspace.session.document.sources) == 3


def test_a_refresh_without_permission_asks(city_window, server, source, qtbot):
    network = city_window.workspace.host.network
    network.allow(server.host)
    city_window.opener.open([str(source)])
    qtbot.wait(20)
    network.forbid(server.host)
    sent, key = len(server.asked), city_window.workspace.session.document.sources[-1].key
    city_window.opener.refresh(key)
    qtbot.wait(20)
    assert len(server.asked) == sent
    choose(question(city_window), "Connect", qtbot)
    assert len(server.asked) > sent


def test_a_password_is_asked_for_and_kept_nowhere(city_window, server, source, qtbot, monkeypatch):
    inner = server.routes["*"]
    server.routes["*"] = lambda asked: inner if "authorization" in asked.headers else Said(status=401)
    city_window.workspace.host.network.allow(server.host)

    def filled(dialog):
        dialog.name.setText("me")
        dialog.password.setText("s3cret")
        return dialog.DialogCode.Accepted

    monkeypatch.setattr(LoginDialog, "exec", filled)
    city_window.opener.open([str(source)])
    qtbot.wait(40)
    assert city_window.workspace.session.document.sources[-1].title == "Karte"
    assert "s3cret" not in city_window.settings.path.read_text(encoding="utf-8")


def test_the_settings_take_permissions_back(city_window, server, qtbot):
    from viewer.ui.settings_dialog import SettingsDialog

    connecting = city_window.opener.connecting
    connecting.ask(server.host, lambda: None)
    choose(question(city_window), "Always connect", qtbot)
    dialog = SettingsDialog(city_window.settings)
    qtbot.addWidget(dialog)
    dialog.forget_wanted.connect(connecting.forget_all)
    assert dialog.forget.text() == "Forget 1 server" and server.host in dialog.forget.toolTip()
    dialog.forget.click()
    assert not dialog.forget.isEnabled()
    assert not connecting.network.may_contact(server.host)


def test_a_session_from_elsewhere_contacts_nobody_by_itself(city_window, server, source, tmp_path, qtbot):
    """The session was saved where the server was allowed; here nobody allowed it, and there is no copy."""
    from viewer.session import store

    city_window.workspace.host.network.allow(server.host)
    city_window.opener.open([str(source)])
    qtbot.wait(20)
    path = tmp_path / "plan.stadtforum"
    store.save_session(path, city_window.workspace.session.document)
    assert server.host not in path.read_text(encoding="utf-8")
    city_window.workspace.session.mark_saved()
    city_window.act["close_city"].trigger()
    network = city_window.workspace.host.network
    network.forbid(server.host)
    network._copies = None
    server.asked.clear()
    city_window.opener.open([str(path)])
    qtbot.wait(60)
    assert city_window.workspace.city is not None and server.asked == []
    choose(question(city_window), "Connect", qtbot)
    qtbot.wait(40)
    assert server.asked and [s.title for s in city_window.workspace.session.document.sources][-1] == "Karte"
    assert city_window.workspace.layer(city_window.workspace.session.document.sources[-1].key)


def test_nothing_but_the_allowed_host_is_ever_connected_to(city_window, server, source, qtbot, monkeypatch):
    import socket

    reached = []
    connect = socket.socket.connect

    def noting(self, address):
        reached.append(address)
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", noting)
    city_window.opener.open([str(source)])
    qtbot.wait(20)
    assert reached == []
    choose(question(city_window), "Connect", qtbot)
    assert {f"{host}:{port}" for host, port in reached} == {server.host}
