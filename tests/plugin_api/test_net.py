from __future__ import annotations

import gzip
import json
import logging
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.loopback import Said
from viewer.errors import Cancelled, LimitError, LoginError, NetworkError, NotConnectedError, ReadError
from viewer.plugin_api.net import (
    Answer,
    Copies,
    Network,
    Request,
    SourceFile,
    host_of,
    json_object,
    looks_like_source,
    message_of,
    read_source,
    source_bytes,
    with_query,
    xml_root,
)
from viewer.plugin_api.net.request import NOT_REACHED


def answer(body: bytes) -> Answer:
    return Answer("http://example.org/x", body)


# -- permission ------------------------------------------------------------------------------------


def test_without_permission_nothing_is_sent(server, copies):
    server.routes["*"] = Said(b"{}")
    with pytest.raises(NotConnectedError) as caught:
        Network(copies=copies).fetch(Request(f"{server.url}/a"))
    assert caught.value.values["host"] == server.host
    assert server.asked == []


def test_a_permission_can_be_given_and_taken_back(server):
    server.routes["*"] = Said(b"{}")
    network = Network()
    network.allow(server.host)
    network.fetch(Request(f"{server.url}/a"))
    network.forbid(server.host)
    with pytest.raises(NotConnectedError):
        network.fetch(Request(f"{server.url}/a"))
    assert len(server.asked) == 1


def test_a_redirection_to_another_host_needs_its_own_permission(server, network):
    elsewhere = f"http://localhost:{server.host.rpartition(':')[2]}/b"
    server.routes["/a"] = Said(status=302, headers={"Location": elsewhere})
    with pytest.raises(NotConnectedError) as caught:
        network.fetch(Request(f"{server.url}/a"))
    assert caught.value.values["host"] == host_of(elsewhere)
    assert [asked.path for asked in server.asked] == ["/a"]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x/", "", "http://"])
def test_a_redirection_out_of_the_web_is_not_followed(server, network, target):
    server.routes["/a"] = Said(status=302, headers={"Location": target})
    with pytest.raises(ReadError):
        network.fetch(Request(f"{server.url}/a"))


def test_a_redirection_within_the_host_is_followed(server, network):
    server.routes |= {"/a": Said(status=301, headers={"Location": "/b"}), "/b": Said(b"there")}
    assert network.fetch(Request(f"{server.url}/a")).body == b"there"


def test_endless_redirections_end(server, network):
    server.routes["/a"] = Said(status=302, headers={"Location": "/a"})
    with pytest.raises(NetworkError, match="redirects more than 5 times"):
        network.fetch(Request(f"{server.url}/a"))
    assert len(server.asked) == 6


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "//host/x", "https://", "http://a b/", "x"])
def test_only_addresses_of_the_web_are_taken(url):
    with pytest.raises(ReadError):
        host_of(url)


def test_an_address_with_a_password_is_refused_without_repeating_it():
    with pytest.raises(ReadError) as caught:
        host_of("https://me:secret@example.org/wms")
    assert "secret" not in str(caught.value)


def test_hosts_are_told_apart_by_their_port():
    assert host_of("https://Example.org:443/x") == "example.org"
    assert host_of("http://example.org:8080") == "example.org:8080"
    assert host_of("http://[::1]:8080/") == "[::1]:8080"


def test_a_look_alike_is_named_as_what_it_is():
    assert host_of("https://g\u0435oportal.de/wms") == "xn--goportal-c8g.de"  # a Cyrillic letter that looks like an e
    assert host_of("https://münchen.de") == "xn--mnchen-3ya.de"


# -- limits ----------------------------------------------------------------------------------------


def test_a_silent_server_is_given_up(server, network):
    server.routes["/a"] = lambda asked: time.sleep(2) or Said(b"late")
    started = time.monotonic()
    with pytest.raises(NetworkError, match="did not answer"):
        network.fetch(Request(f"{server.url}/a"))
    assert time.monotonic() - started < 1.9


def test_a_server_that_drips_is_given_up_after_the_whole_time(server, network):
    server.routes["/a"] = Said(pieces=(b"x",) * 40, pause_s=0.1)
    with pytest.raises(NetworkError, match="did not answer within 1 seconds"):
        network.fetch(Request(f"{server.url}/a"))


def test_waiting_can_be_stopped_at_once(server, network):
    server.routes["/a"] = Said(pieces=(b"x",) * 40, pause_s=0.1)

    def stop(share: float) -> None:
        raise Cancelled

    started = time.monotonic()
    with pytest.raises(Cancelled):
        network.fetch(Request(f"{server.url}/a"), stop)
    assert time.monotonic() - started < 0.5


@pytest.mark.parametrize("announced", [True, False])
def test_a_huge_answer_is_cut_off(server, network, announced):
    body = bytes(3_000_000)
    server.routes["/a"] = Said(body) if announced else Said(
        gzip.compress(body), headers={"Content-Encoding": "gzip"}
    )  # fmt: skip
    with pytest.raises(NetworkError, match="larger than 1 MB"):
        network.fetch(Request(f"{server.url}/a", max_bytes=1_000_000))


def test_packed_answers_are_unpacked(server, network):
    server.routes["/a"] = Said(gzip.compress(b"hello " * 1000), headers={"Content-Encoding": "gzip"})
    assert network.fetch(Request(f"{server.url}/a")).body == b"hello " * 1000


def test_half_an_answer_is_no_answer(server, network):
    server.routes["/a"] = Said(b"half", length=4000)
    with pytest.raises(NetworkError, match="broke off"):
        network.fetch(Request(f"{server.url}/a"))


def test_another_kind_of_content_is_refused_in_the_words_of_the_service(server, network):
    xml = b"<ServiceExceptionReport><ServiceException>No such layer</ServiceException></ServiceExceptionReport>"
    server.routes["/a"] = Said(xml, "application/vnd.ogc.se_xml")
    with pytest.raises(NetworkError, match="answers: No such layer"):
        network.fetch(Request(f"{server.url}/a", kinds=("image/",)))


def test_an_error_of_the_server_is_told_in_its_words(server, network):
    server.routes["/a"] = Said(b'{"code": "X", "description": "bbox is wrong"}', status=400)
    with pytest.raises(NetworkError, match="bbox is wrong"):
        network.fetch(Request(f"{server.url}/a"))
    server.routes["/a"] = Said(b"no words", "text/plain", status=500)
    with pytest.raises(NetworkError, match="error 500"):
        network.fetch(Request(f"{server.url}/a"))


def test_many_are_asked_a_few_at_a_time_and_one_failure_costs_only_itself(server, network):
    busy, most, lock = 0, 0, threading.Lock()

    def slow(asked):
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.03)
        with lock:
            busy -= 1
        return Said(status=500) if asked.path == "/3" else Said(asked.path.encode())

    server.routes["*"] = slow
    found = network.fetch_many([Request(f"{server.url}/{n}") for n in range(8)])
    assert [f.body.decode() if isinstance(f, Answer) else "failed" for f in found] == [
        "/0", "/1", "/2", "failed", "/4", "/5", "/6", "/7",
    ]  # fmt: skip
    assert 1 < most <= network.limits.parallel


def test_a_port_where_nobody_listens_is_said_plainly(server, network):
    server.close()
    with pytest.raises(NetworkError, match="cannot be reached"):
        network.fetch(Request(f"{server.url}/a"))


# -- secrets ---------------------------------------------------------------------------------------


def test_a_key_comes_from_this_computer_and_stays_out_of_answers_and_copies(server, network, copies, monkeypatch):
    monkeypatch.setenv("STADTFORUM_KEY_" + server.host.upper().replace(".", "_").replace(":", "_"), "s3cret")
    server.routes["/a"] = Said(b"tile")
    found = network.fetch(Request(f"{server.url}/a?key={{key}}"))
    assert server.asked[0].query["key"] == "s3cret"
    assert "s3cret" not in found.url
    assert not any(b"s3cret" in path.read_bytes() for path in copies.folder.rglob("*.copy"))


def test_a_missing_key_names_the_variable(server, network):
    with pytest.raises(LoginError, match="STADTFORUM_KEY_127_0_0_1_"):
        network.fetch(Request(f"{server.url}/a?key={{key}}"))
    assert server.asked == []


def test_a_key_is_in_no_error_and_in_no_log(server, network, monkeypatch, caplog):
    monkeypatch.setenv("STADTFORUM_KEY_" + server.host.upper().replace(".", "_").replace(":", "_"), "s3cret")
    caplog.set_level(logging.DEBUG)
    server.routes["/a"] = Said(b"x", length=9)
    with pytest.raises(NetworkError) as broken:
        network.fetch(Request(f"{server.url}/a?key={{key}}"))
    server.close()
    with pytest.raises(NetworkError) as gone:
        network.fetch(Request(f"{server.url}/a?key={{key}}"))
    assert "s3cret" not in f"{broken.value}{gone.value}{caplog.text}"


def test_a_login_is_asked_for_and_sent_to_its_host_alone(server, network):
    server.routes["/a"] = lambda asked: Said(b"in") if "authorization" in asked.headers else Said(status=401)
    with pytest.raises(LoginError):
        network.fetch(Request(f"{server.url}/a"))
    network.set_login(server.host, "me", "pass")
    assert network.fetch(Request(f"{server.url}/a")).body == b"in"


def test_the_netrc_of_the_user_is_left_alone(server, network, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    server.routes["/a"] = Said(b"x")
    network.fetch(Request(f"{server.url}/a"))
    assert "authorization" not in server.asked[0].headers


# -- copies ----------------------------------------------------------------------------------------


def test_a_copy_is_used_when_the_network_is_gone(server, network):
    server.routes["/a"] = Said(b"good", "text/plain")
    first = network.fetch(Request(f"{server.url}/a"))
    server.close()
    again = network.fetch(Request(f"{server.url}/a"))
    assert (first.is_copy, again.is_copy) == (False, True)
    assert again.body == b"good" and again.content_type == "text/plain"
    assert abs((again.fetched - first.fetched).total_seconds()) < 2
    assert again.reason == NOT_REACHED


def test_a_copy_is_used_while_permission_is_missing_but_not_for_a_refresh(server, network, copies):
    server.routes["/a"] = Said(b"good")
    network.fetch(Request(f"{server.url}/a"))
    shut = Network(copies=copies)
    assert shut.fetch(Request(f"{server.url}/a")).is_copy
    with pytest.raises(NotConnectedError):
        shut.fetch(Request(f"{server.url}/a"), refresh=True)
    assert len(server.asked) == 1


def test_an_unchanged_answer_is_not_sent_again_and_counts_as_fresh(server, network):
    def once(asked):
        return Said(status=304) if asked.headers.get("if-none-match") == '"1"' else Said(b"x", headers={"ETag": '"1"'})

    server.routes["/a"] = once
    network.fetch(Request(f"{server.url}/a"))
    again = network.fetch(Request(f"{server.url}/a"))
    assert again.body == b"x" and not again.is_copy
    assert len(server.asked) == 2


def test_a_young_copy_saves_asking(server, network):
    server.routes["/a"] = Said(b"x")
    request = Request(f"{server.url}/a", keep_s=3600)
    network.fetch(request)
    young = network.fetch(request)
    assert young.is_copy and not young.reason
    network.fetch(request, refresh=True)
    assert len(server.asked) == 2


def test_what_a_server_no_longer_has_is_not_shown_from_a_copy(server, network):
    server.routes["/a"] = Said(b"x")
    network.fetch(Request(f"{server.url}/a"))
    del server.routes["/a"]
    with pytest.raises(NetworkError):
        network.fetch(Request(f"{server.url}/a"))


def test_a_damaged_copy_is_no_copy(copies):
    request = Request("http://example.org/a")
    copies.keep(request, Answer(request.url, b"0123456789", fetched=datetime.now(UTC)))
    [path] = copies.folder.rglob("*.copy")
    whole = path.read_bytes()
    assert copies.find(request) is not None
    for broken in (whole[:-1], whole + b"x", whole.replace(b"0123", b"0124"), b"", b"{}\nx", b"[1]\n", whole[3:]):
        path.write_bytes(broken)
        assert copies.find(request) is None


def test_the_oldest_copies_go_when_there_is_no_more_room(tmp_path):
    copies = Copies(tmp_path, max_bytes=3000)
    requests = [Request(f"http://example.org/{n}") for n in range(5)]
    for n, request in enumerate(requests):
        copies.keep(request, Answer(request.url, bytes(1000), fetched=datetime.now(UTC)))
        import os

        os.utime(copies._path(request), (n, n))
    copies.prune()
    assert [copies.find(request) is not None for request in requests] == [False, False, False, True, True]


def test_a_copy_from_the_future_is_not_young(server, network, copies):
    server.routes["/a"] = Said(b"x")
    request = Request(f"{server.url}/a", keep_s=3600)
    copies.keep(request, Answer(request.url, b"old", fetched=datetime.now(UTC) + timedelta(days=3)))
    assert network.fetch(request).body == b"x"


# -- documents -------------------------------------------------------------------------------------


def test_entities_are_refused():
    bomb = b'<!DOCTYPE a [<!ENTITY x "xxxxxxxx"><!ENTITY y "&x;&x;">]><a>&y;</a>'
    with pytest.raises(ReadError, match="entities"):
        xml_root(answer(bomb))
    with pytest.raises(ReadError, match="entities"):
        xml_root(answer(bomb.decode().encode("utf-16")))


def test_a_doctype_without_entities_is_taken_and_not_fetched(server):
    body = f'<!DOCTYPE WMT_MS_Capabilities SYSTEM "{server.url}/wms.dtd"><WMT_MS_Capabilities version="1.1.1"/>'
    assert xml_root(answer(body.encode())).get("version") == "1.1.1"
    assert server.asked == []


@pytest.mark.parametrize("body", [b"", b"<a><b></a>", b"\x00\x01", b"<" * 1000, b"<a>" * 5000])
def test_broken_xml_is_one_clear_error(body):
    with pytest.raises(ReadError, match=r"example\.org"):
        xml_root(answer(body))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"[" * 100_000, b'{"a": NaN}'])
def test_broken_json_is_one_clear_error(body):
    with pytest.raises(ReadError, match=r"example\.org"):
        json_object(answer(body))


def test_the_message_of_a_service_is_one_safe_line():
    assert message_of(b"<r><ServiceException>a\n  b\x1b[31m</ServiceException></r>") == "a b[31m"
    assert message_of(b"<e:R xmlns:e='x'><e:ExceptionText>a\n  b</e:ExceptionText></e:R>") == "a b"
    assert message_of(json.dumps({"description": "x\u202ey" * 200}).encode())[:3] == "x y"
    assert len(message_of(json.dumps({"description": "x" * 999}).encode())) <= 200


def test_a_query_is_extended_and_names_count_in_any_case():
    url = with_query("http://h/p?map=a.map&SERVICE=WFS", {"service": "WMS", "bbox": "1,2"})
    assert url == "http://h/p?map=a.map&service=WMS&bbox=1,2"


# -- source files ----------------------------------------------------------------------------------


def test_a_source_file_survives_writing_and_reading(tmp_path):
    source = SourceFile("wms", "https://example.org/wms", "Karte", ("a", "b"), "© Amt", "dl-de/by-2.0", {"style": "x"})
    path = tmp_path / "map.source.json"
    path.write_bytes(source_bytes(source))
    assert read_source(path) == source
    assert looks_like_source(path.read_bytes()) == "wms"
    assert source.host == "example.org" and source.credit == "© Amt, dl-de/by-2.0"


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", '{"stadtforum": "source"}', '{"stadtforum": "source", "type": "wms"}',
        '{"stadtforum": "source", "type": "wms", "url": "file:///etc/passwd"}',
        '{"stadtforum": "source", "type": "wms", "url": "https://a:b@example.org"}',
        '{"stadtforum": "source", "type": 3, "url": "https://example.org"}',
        '{"stadtforum": "source", "type": "wms", "url": "https://example.org", "layers": [1]}',
        '{"stadtforum": "catalogue", "type": "wms", "url": "https://example.org"}',
    ],
)  # fmt: skip
def test_a_broken_source_file_is_one_clear_error(tmp_path, text):
    path = tmp_path / "map.source.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReadError) as caught:
        read_source(path)
    assert caught.value.path == path


def test_a_giant_source_file_is_refused(tmp_path):
    path = tmp_path / "map.source.json"
    path.write_bytes(b" " * 2_000_000)
    with pytest.raises(LimitError):
        read_source(path)


def test_a_city_is_no_source_file():
    assert looks_like_source(b'{"type": "CityJSON", "version": "2.0"}') == ""
    assert looks_like_source(b'{"type": "x", "stadtforum": "session"}') == ""
    assert replace(answer(b""), body=b"x").body == b"x"
