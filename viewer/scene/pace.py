"""How a picture is made, and what it was: values that the scene, its halves and its cities pass on."""

from __future__ import annotations

from dataclasses import dataclass, fields

from viewer.scene.levels import Limits

#: No limits but one pixel.
EVERYTHING = Limits()


@dataclass(frozen=True)
class Pace:
    """How a picture is made.

    limits : see ``Limits``; its bytes are the budget for everything the graphics card keeps of the city.
    later : those of the finest picture that may follow at rest; what it needs is made ahead.
    at_once : make whatever the picture needs now, however long it takes; else what is missing comes in later pictures.
    upload_bytes : handed to the graphics card in one picture, but at least one node.
    moving : no edges, unless there are few.
    """

    limits: Limits = EVERYTHING
    later: Limits = EVERYTHING
    at_once: bool = True
    upload_bytes: int = 4_000_000
    moving: bool = False


@dataclass(frozen=True)
class Counters:
    """What was drawn in the last picture and what is kept.

    masses, blocks, houses : squares and tiles drawn at each level. triangles : drawn. work : in triangles of a block.
    card_bytes : kept on the graphics card. uploaded_bytes : handed over for this picture. rows_written : rows of state
    and tint written since the city is shown. waiting : whether finer parts are still to come.
    """

    masses: int = 0
    blocks: int = 0
    houses: int = 0
    triangles: int = 0
    work: float = 0.0
    card_bytes: int = 0
    uploaded_bytes: int = 0
    rows_written: int = 0
    waiting: bool = False


def added(counters: list[Counters]) -> Counters:
    """Counters of several halves as one."""
    total = {f.name: sum(getattr(c, f.name) for c in counters) for f in fields(Counters)}
    return Counters(**{**total, "waiting": any(c.waiting for c in counters)})
