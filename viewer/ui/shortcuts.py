"""Every action of the window, declared once: text, icon, keys and menu. The keys table reads it too."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from viewer.ui.i18n import tr
from viewer.ui.icons import bind_icon


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action. ``text`` may carry ``&`` for Alt keys; ``hint`` is its tooltip (without the keys)."""

    id: str
    menu: str
    text: str
    hint: str = ""
    keys: tuple[str, ...] = ()
    icon: str = ""
    checkable: bool = False
    separated: bool = False


#: Menus in their order: id and text.
MENUS: tuple[tuple[str, str], ...] = (
    ("file", "&File"),
    ("edit", "&Edit"),
    ("view", "&View"),
    ("plan", "&Planning"),
    ("help", "&Help"),
)

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "open", "file", text="&Open...", hint="Open a city, a layer or a session", keys=("Ctrl+O",), icon="open"
    ),
    ActionSpec("sample", "file", text="Open the sample &city", hint="A quarter to play with", icon="building"),
    ActionSpec("save", "file", text="&Save", hint="Save the session", keys=("Ctrl+S",), icon="save", separated=True),
    ActionSpec(
        "save_as", "file", text="Save &as...", hint="Save the session under another name", keys=("Ctrl+Shift+S",)
    ),
    ActionSpec(
        "picture",
        "file",
        text="Save a &picture...",
        hint="Picture with scale, legend and credits",
        keys=("Ctrl+P",),
        icon="camera",
        separated=True,
    ),
    ActionSpec("export", "file", text="&Hand the numbers on...", hint="As a page, a table or data", keys=("Ctrl+E",)),
    ActionSpec(
        "export_city",
        "file",
        text="E&xport the city...",
        hint="As CityJSON, CityGML, GeoPackage, table or glTF",
        icon="download",
    ),
    ActionSpec("close_city", "file", text="Close &everything", hint="Start again with an empty window", separated=True),
    ActionSpec("quit", "file", text="&Quit", hint="Leave the program", keys=("Ctrl+Q",), separated=True),
    ActionSpec("undo", "edit", text="&Undo", hint="Take the last step back", keys=("Ctrl+Z",), icon="undo"),
    ActionSpec("redo", "edit", text="&Redo", hint="Bring the step back", keys=("Ctrl+Y", "Ctrl+Shift+Z"), icon="redo"),
    ActionSpec(
        "select_all",
        "edit",
        text="Select &all buildings",
        hint="Select every building",
        keys=("Ctrl+A",),
        separated=True,
    ),
    ActionSpec("select_none", "edit", text="Select &nothing", hint="Clear the selection", keys=("Escape",)),
    ActionSpec(
        "remove_buildings",
        "edit",
        text="Re&move selected buildings",
        hint="Take them away in this scenario",
        keys=("Delete",),
        icon="trash",
    ),
    ActionSpec("restore_buildings", "edit", text="Restore &buildings", hint="Put removed buildings back", icon="reset"),
    ActionSpec(
        "settings",
        "edit",
        text="&Settings...",
        hint="Language, colours, motion",
        keys=("Ctrl+,",),
        icon="settings",
        separated=True,
    ),
    ActionSpec("home", "view", text="&Whole city", hint="Show the whole city", keys=("Home", "H"), icon="home"),
    ActionSpec("top", "view", text="From &above", hint="Look straight down", keys=("T",), icon="top"),
    ActionSpec("north", "view", text="&North up", hint="Turn north to the top", keys=("N",), icon="north"),
    ActionSpec(
        "walk",
        "view",
        text="Wa&lk",
        hint="Walk through the streets at eye level",
        keys=("W",),
        icon="walk",
        checkable=True,
    ),
    ActionSpec("zoom_in", "view", text="Zoom &in", hint="Come closer", keys=("+", "="), icon="plus"),
    ActionSpec("zoom_out", "view", text="Zoom &out", hint="Go further away", keys=("-",), icon="minus"),
    ActionSpec(
        "zoom_selection",
        "view",
        text="Fly to the &selection",
        hint="Fly to the selected buildings",
        keys=("F",),
        icon="zoom-to",
    ),
    ActionSpec(
        "left_panel",
        "view",
        text="La&yers panel",
        hint="Show or hide the layers",
        keys=("Ctrl+1",),
        icon="panel-left",
        checkable=True,
        separated=True,
    ),
    ActionSpec(
        "right_panel",
        "view",
        text="&Planning panel",
        hint="Show or hide sliders and numbers",
        keys=("Ctrl+2",),
        icon="panel-right",
        checkable=True,
    ),
    ActionSpec(
        "catalogue",
        "view",
        text="&Catalogue",
        hint="Browse folders, lists and servers, and open what they offer",
        keys=("Ctrl+3",),
        icon="layers",
    ),
    ActionSpec(
        "report",
        "view",
        text="Import &report",
        hint="What was read, repaired and left out",
        keys=("Ctrl+I",),
        icon="report",
    ),
    ActionSpec(
        "check_data",
        "view",
        text="Check the &data...",
        hint="Faults of geometry, attributes and place, with their ids",
        keys=("Ctrl+Shift+I",),
        icon="check",
    ),
    ActionSpec(
        "textures",
        "view",
        text="Te&xtures",
        hint="Show the pictures and materials of the files on the buildings",
        keys=("X",),
        icon="building",
        checkable=True,
        separated=True,
    ),
    ActionSpec(
        "dark",
        "view",
        text="&Dark colours",
        hint="Switch between light and dark",
        keys=("Ctrl+D",),
        icon="moon",
        checkable=True,
    ),
    ActionSpec("full_screen", "view", text="&Full screen", hint="Use the whole screen", keys=("F11",), checkable=True),
    ActionSpec(
        "performance",
        "view",
        text="Per&formance display",
        hint="Show frame times over the picture",
        keys=("F12",),
        checkable=True,
    ),
    ActionSpec(
        "tool_select",
        "plan",
        text="&Pick buildings",
        hint="Click buildings; Ctrl adds, Shift draws a rectangle",
        keys=("1",),
        icon="select",
        checkable=True,
    ),
    ActionSpec(
        "tool_rectangle",
        "plan",
        text="Select in a &rectangle",
        hint="Drag a rectangle over buildings",
        keys=("2",),
        icon="rectangle",
        checkable=True,
    ),
    ActionSpec(
        "tool_polygon",
        "plan",
        text="Select in a p&olygon",
        hint="Click corners; double-click or Enter closes",
        keys=("3",),
        icon="polygon",
        checkable=True,
    ),
    ActionSpec(
        "tool_area",
        "plan",
        text="Draw an &area",
        hint="Draw an area that the sliders act on",
        keys=("4",),
        icon="area",
        checkable=True,
    ),
    ActionSpec(
        "compare",
        "plan",
        text="&Compare side by side",
        hint="Two scenarios with one camera",
        keys=("C",),
        icon="compare",
        checkable=True,
        separated=True,
    ),
    ActionSpec(
        "present", "plan", text="Pre&sent", hint="Show the story on the whole screen", keys=("F5",), icon="present"
    ),
    ActionSpec(
        "kiosk",
        "plan",
        text="&Unattended mode",
        hint="Tour for a stand; the same keys end it",
        keys=("Ctrl+Shift+F12",),
        icon="play",
    ),
    ActionSpec("keys", "help", text="&Keys and gestures", hint="All keys at a glance", keys=("F1",), icon="help"),
    ActionSpec("log", "help", text="Open the &log folder", hint="For a report to support"),
    ActionSpec(
        "about", "help", text="&About Stadtforum", hint="Version, licences, folders", icon="info", separated=True
    ),
)


def make_action(spec: ActionSpec, parent: QWidget) -> QAction:
    """The action of a declaration; ``retitle`` sets its words."""
    action = QAction(parent)
    action.setObjectName(spec.id)
    action.setCheckable(spec.checkable)
    action.setShortcuts([QKeySequence(keys) for keys in spec.keys])
    if spec.icon:
        bind_icon(action.setIcon, spec.icon)
    retitle(action, spec)
    return action


def retitle(action: QAction, spec: ActionSpec) -> None:
    """Words of an action in the current language: menu text, tooltip with keys, status tip."""
    action.setText(tr(spec.text))
    hint = tr(spec.hint) if spec.hint else tr(spec.text).replace("&", "")
    keys = key_text(spec)
    action.setToolTip(f"{hint} ({keys})" if keys else hint)
    action.setStatusTip(hint)


def key_text(spec: ActionSpec) -> str:
    """The first keys of an action as the platform writes them."""
    if not spec.keys:
        return ""
    return QKeySequence(spec.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
