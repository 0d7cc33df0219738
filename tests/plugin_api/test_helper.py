"""A helper is held to its time, also one that never stops talking, and can be stopped by a person."""

from __future__ import annotations

import pytest

from viewer.errors import Cancelled, LimitError
from viewer.plugin_api import Progress
from viewer.plugin_api.helper import run_helper

TALKER = """
import json, time
while True:
    print(json.dumps({"share": 0.5, "text": "Reading"}), flush=True)
    time.sleep(0.005)
"""


@pytest.fixture
def talker(tmp_path):
    script = tmp_path / "talker.py"
    script.write_text(TALKER, encoding="utf-8")
    return script


def test_one_that_never_stops_talking_is_ended_in_time(talker, tmp_path) -> None:
    with pytest.raises(LimitError, match="seconds"):
        run_helper(talker, {}, Progress(), path=tmp_path / "x", seconds=0.5)


def test_a_person_stops_it_in_the_middle_of_a_sentence(talker, tmp_path) -> None:
    class Impatient(Progress):
        def raise_if_cancelled(self) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        run_helper(talker, {}, Impatient(), path=tmp_path / "x", seconds=30.0)


def test_its_last_word_is_the_result(tmp_path) -> None:
    script = tmp_path / "quick.py"
    script.write_text("import json\nprint('noise')\nprint(json.dumps({'result': {'n': 3}}))\n", encoding="utf-8")
    assert run_helper(script, {}, Progress(), path=tmp_path / "x") == {"n": 3}
