"""Reads the command line, runs what it names, and turns problems into one sentence and exit code 2."""

from __future__ import annotations

import argparse
import importlib
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from viewer import __version__
from viewer.cli.words import error_line, plain, say, show
from viewer.errors import Cancelled, ViewerError

#: Starts the window with these files and returns its exit code.
OpenWindow = Callable[[Sequence[Path]], int]

COMMANDS = ("info", "check", "snapshot", "indicators", "convert", "bake", "doctor", "plugin")
BAD_INPUT = 2

_OVERVIEW = """\
The 3D digital twin a city puts on the table.

  stadtforum [FILE...]                 open the window, with files or sessions
  stadtforum info FILE                 what is in a file, and what was repaired or assumed
  stadtforum check FILE...             what is wrong with the data, with the ids of all faults
  stadtforum snapshot FILE... -o PNG   draw a picture, without any display
  stadtforum indicators FILE...        the numbers about a city, as it is and changed
  stadtforum convert FILE... OUT       write the city in another format, as it is or changed
  stadtforum bake FILE... [OUT.city]   prepare cities, so that they open at once
  stadtforum doctor                    whether this computer has all that is needed
  stadtforum plugin new NAME           write a new plugin that works
  stadtforum plugin list               the plugins there are, and why some are not in use

FILE is a city model (CityGML, CityJSON, footprints with heights), a layer over it, or a
.stadtforum session. 'stadtforum COMMAND --help' tells more. A file named like a command
is opened with a folder in front: ./info
"""

_INFO = """\
examples:
  stadtforum info city.gml
  stadtforum info tile.zip --json
  stadtforum info trees.csv --option crs=EPSG:25832

With --json one object is printed: format, version, crs, extent (lowest and highest corner),
objects (number by type), buildings, lods, triangles, seconds and messages (severity, text,
where, count). For a layer file it also names the plugin that reads it.
"""

_CHECK = """\
examples:
  stadtforum check city.gml
  stadtforum check tile1.gml tile2.gml --limit 50
  stadtforum check city.city.json --json > faults.json

Rings, polygons and shells are judged in the words and numbers of ISO 19107 as val3dity uses
them (101 to 405), then objects, attributes and places. docs/quality.md explains every code.
The exit code is 0 whatever was found, and 2 when a file cannot be read.
With --json one object is printed (for several files a list): summary, verdict, messages and
findings with code, class, severity, count, all ids, and place and amount of each fault.
"""

_SNAPSHOT = """\
examples:
  stadtforum snapshot city.city.json -o city.png
  stadtforum snapshot city.gml trees.csv -o plan.png --size 3840x2160 --view top
  stadtforum snapshot city.gml -o more.png --set storeys_added=2 --set green_roof_share=50
  stadtforum snapshot plan.stadtforum -o square.png --view "Market square"

--color-by takes surface, an attribute of the city (function) or indicator:ID.
"""

_INDICATORS = """\
examples:
  stadtforum indicators city.gml
  stadtforum indicators city.gml --set storeys_added=1 --json
  stadtforum indicators city.gml --set unsealing_share=40 --area courtyard.geojson --json
  stadtforum indicators plan.stadtforum --scenario "Two storeys more"

With --area the levers act inside the area and the numbers count what lies inside.
With --json one object is printed: for each indicator its value, unit, baseline and difference.
"""

_CONVERT = """\
examples:
  stadtforum convert city.gml city.city.json
  stadtforum convert tile-1.zip tile-2.zip quarter.city.jsonl
  stadtforum convert plan.stadtforum --scenario "Two storeys more" raised.gml
  stadtforum convert city.gml raised.gpkg --set storeys_added=2 --area courtyard.geojson

The end of OUT names the format: .city.json (CityJSON), .city.jsonl (CityJSONSeq), .gml (CityGML 2.0),
.gpkg (outlines with heights and numbers), .csv (one row per building), .glb (shapes in colours),
.3dtiles (a folder for globes). The first three may be packed: .gml.gz. With --area only what lies
inside is written, and the levers act there. A session is written as its scenario makes the city;
--as-it-is leaves that out.
"""

_BAKE = """\
examples:
  stadtforum bake city.gml
  stadtforum bake tile-1.zip tile-2.zip quarter.city
  stadtforum quarter.city
  stadtforum bake tiles/*.gml state.city --cluster --scheduler tcp://10.0.0.5:8786

Without OUT.city a copy of each file is kept in the cache folder of the user, where opening the file
finds it; the window keeps such copies by itself after a first opening. With OUT.city all cities are
written as one into that folder, which can be carried elsewhere and opened like a file. Several files are
read at once; after Ctrl+C the same command goes on where it was. A file that cannot be read is told and
missing in the result (exit code 3).
With --cluster the files are read by a Dask cluster (extra 'cluster'): several processes here, or, with
--scheduler tcp://host:8786, computers that see the same folders and have this program installed.
STADTFORUM_NO_CACHE=1 turns the copies off, STADTFORUM_PROCESSES=1 reading by several cores.
"""


def run(argv: Sequence[str] | None = None, open_window: OpenWindow | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 2 bad input.

    Parameters
    ----------
    argv : the arguments without the program's name; those of this process by default.
    open_window : opens the window; without it a command has to be named.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments and arguments[0] in COMMANDS:
            return _command(arguments)
        files = _overview_parser().parse_args(arguments).files
    except SystemExit as error:  # argparse has said why
        return error.code if isinstance(error.code, int) else BAD_INPUT
    if open_window is None:
        show(say("Name a command; stadtforum --help tells which there are."), sys.stderr)
        return BAD_INPUT
    return open_window([Path(file) for file in files])


def _command(arguments: list[str]) -> int:
    options = _command_parser().parse_args(arguments)
    module, function = options.call
    try:
        command: Callable[[argparse.Namespace], int] = getattr(importlib.import_module(module), function)
        return command(options)
    except ViewerError as error:
        show(error_line(error), sys.stderr)
        return BAD_INPUT
    except MemoryError:
        show(say("This computer has not enough memory for it."), sys.stderr)
        return BAD_INPUT
    except (KeyboardInterrupt, Cancelled):
        show(say("Stopped."), sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output went away, as "| head" does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> None:  # type: ignore[override]
        show(plain(say("{message}. See {program} --help.", message=message, program=self.prog)), sys.stderr)
        raise SystemExit(BAD_INPUT)


def _overview_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "stadtforum",
        usage="stadtforum [FILE...] | stadtforum COMMAND ...",
        description=_OVERVIEW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="files to open in the window")
    parser.add_argument("--version", action="version", version=f"Stadtforum {__version__}")
    return parser


def _command_parser() -> argparse.ArgumentParser:
    parser = _Parser("stadtforum")
    commands = parser.add_subparsers(required=True, parser_class=_Parser)

    def add(name: str, text: str, call: str, epilog: str = "") -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, description=text, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        sub.set_defaults(call=(f"viewer.cli.{call}", "run"))
        return sub

    info = add("info", "Read a file and tell what is in it.", "info", _INFO)
    info.add_argument("file", metavar="FILE", type=Path)
    _add_options(info)
    _add_json(info)

    check = add("check", "Check the data of a city: geometry, attributes, duplicates, place.", "check", _CHECK)
    check.add_argument("files", metavar="FILE", nargs="+", type=Path)
    check.add_argument("--limit", metavar="N", type=int, default=8, help="ids shown for each kind of fault (8)")
    _add_options(check)
    _add_json(check)

    snapshot = add("snapshot", "Draw a city with its layers into a picture.", "snapshot", _SNAPSHOT)
    _add_city(snapshot)
    snapshot.add_argument("-o", "--output", metavar="OUT.png", type=Path, required=True, help="the picture to write")
    snapshot.add_argument("--size", metavar="WxH", default="1920x1080", help="in pixels, up to 7680x4320")
    snapshot.add_argument("--color-by", metavar="X", default="", help="surface, an attribute or indicator:ID")
    snapshot.add_argument(
        "--no-textures", dest="textures", action="store_false", help="leave out pictures and materials of the files"
    )
    snapshot.add_argument("--view", metavar="NAME", default="home", help="home, top or a saved view of the session")
    snapshot.add_argument("--heading", metavar="DEG", type=degrees, help="where home looks, 90 is towards the east")
    snapshot.add_argument("--tilt", metavar="DEG", type=degrees, help="how steeply home looks down, 2 to 89")

    indicators = add("indicators", "Work out the numbers about a city.", "indicators", _INDICATORS)
    _add_city(indicators)
    indicators.add_argument("--area", metavar="AREA.geojson", type=Path, help="polygon to which everything is limited")
    _add_json(indicators)

    convert = add("convert", "Write a city in another format.", "convert", _CONVERT)
    _add_city(convert)
    convert.add_argument("out", metavar="OUT", type=Path, help="the file to write; its end names the format")
    convert.add_argument("--area", metavar="AREA.geojson", type=Path, help="polygon to which everything is limited")
    convert.add_argument("--only", metavar="IDS", action="append", default=[], help="ids of objects, with commas")
    convert.add_argument("--as-it-is", action="store_true", help="without the changes of the session's scenario")

    bake = add("bake", "Prepare cities, so that they open in a fraction of a second.", "bake", _BAKE)
    bake.add_argument("files", metavar="FILE", nargs="+", type=Path, help="cities, and at the end perhaps OUT.city")
    bake.add_argument(
        "--workers", metavar="N", type=_positive, default=0, help="files read at once; default: all cores"
    )
    bake.add_argument("--cluster", action="store_true", help="read the files on a Dask cluster, by default a local one")
    bake.add_argument("--scheduler", metavar="ADDRESS", default="", help="address of the cluster's scheduler")
    _add_options(bake, online=False)

    doctor = add("doctor", "Check driver, versions, plugins and folders of this computer.", "doctor")
    _add_json(doctor)

    plugin = commands.add_parser("plugin", description="Write a new plugin, or list those there are.")
    plugin_commands = plugin.add_subparsers(required=True, parser_class=_Parser)
    new = plugin_commands.add_parser("new", description="Write a new plugin that works, with a test.")
    new.add_argument("name", metavar="NAME", help='a title or an id, such as "Noise maps"')
    new.add_argument("--folder", type=Path, help="where to write it; your own plugin folder by default")
    new.set_defaults(call=("viewer.cli.plugin", "new"))
    listing = plugin_commands.add_parser("list", description="List the plugins with their state.")
    _add_json(listing)
    listing.set_defaults(call=("viewer.cli.plugin", "show_list"))
    return parser


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")


def _add_options(parser: argparse.ArgumentParser, *, online: bool = True) -> None:
    parser.add_argument(
        "--option", metavar="NAME=VALUE", action="append", default=[], help="choice for reading, such as crs=EPSG:25832"
    )
    if online:
        parser.add_argument("--online", action="store_true", help="servers may be contacted in this run")


def degrees(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _add_city(parser: argparse.ArgumentParser) -> None:
    from viewer.scenario import LEVERS  # here, because --help alone needs no arrays

    levers = ", ".join(f"{p.name} ({p.minimum:g} to {p.maximum:g} {p.unit})" for p in LEVERS.values())
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="cities, layers or one session")
    parser.add_argument(
        "--set", metavar="LEVER=VALUE", action="append", default=[], help=f"move a lever: {levers}".replace("%", "%%")
    )
    parser.add_argument("--scenario", metavar="NAME", default="", help="scenario of the session")
    _add_options(parser)


def _positive(text: str) -> int:
    """A number from 1 on, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a number from 1 on is needed")
    return number
