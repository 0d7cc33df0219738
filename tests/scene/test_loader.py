"""The loader: most urgent first, nothing twice, errors are raised where answers are fetched."""

from __future__ import annotations

import threading
import time

import pytest

from viewer.scene.loader import Loader


@pytest.fixture
def loader():
    made = Loader(threads=1)
    yield made
    made.close()


def all_answers(loader, count):
    found = []
    while len(found) < count:
        assert loader.wait(10.0)
        found.append(loader.fetch())
    return found


def test_answers_come_in_the_order_of_the_wishes(loader):
    hold = threading.Event()
    loader.wish([("first", lambda: hold.wait(10.0))])
    while loader._wishes:
        time.sleep(0.001)
    loader.wish([(key, lambda key=key: key) for key in ("c", "a", "b")])
    hold.set()
    assert [key for key, _ in all_answers(loader, 4)] == ["first", "c", "a", "b"]
    assert loader.fetch() is None and not loader.busy


def test_what_is_no_longer_wished_is_not_made(loader):
    hold, made = threading.Event(), []
    loader.wish([("now", lambda: hold.wait(10.0)), ("later", lambda: made.append("later"))])
    while len(loader._wishes) > 1:
        time.sleep(0.001)
    loader.wish([("other", lambda: made.append("other"))])
    hold.set()
    all_answers(loader, 2)
    assert made == ["other"]


def test_what_waits_to_be_fetched_is_not_made_again(loader):
    made = []
    loader.wish([("a", lambda: made.append(1))])
    assert loader.wait(10.0)
    loader.wish([("a", lambda: made.append(2))])
    assert loader.fetch() == ("a", None) and made == [1] and loader.fetch() is None


def test_an_error_of_a_job_is_raised_where_it_is_fetched(loader):
    def fail():
        raise ValueError("a bug")

    loader.wish([("a", fail)])
    assert loader.wait(10.0)
    with pytest.raises(ValueError, match="a bug"):
        loader.fetch()


def test_a_closed_loader_ends_its_threads_and_takes_nothing(loader):
    loader.wish([("a", lambda: 1)])
    assert loader.wait(10.0)
    loader.close()
    loader.wish([("b", lambda: 2)])
    assert not loader.busy and loader.fetch() is None
    for _ in range(1000):
        if not any(t.name == "tile loader" and t.is_alive() for t in threading.enumerate()) or not loader._threads:
            break
        time.sleep(0.005)
    assert loader._threads == 0
