"""Connects saved views, presenting and the unattended mode with the window they belong to."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject

from viewer.session.document import Document, View
from viewer.session.edits import ShowScenario
from viewer.ui.kiosk import Kiosk
from viewer.ui.present import Presentation
from viewer.ui.story import TODAY, Showing, showing_of, visible_layers


class StoryDesk(QObject):
    """What the story panel, F5 and ``--kiosk`` start."""

    def __init__(self, window, panel) -> None:
        super().__init__(window)
        self._window = window
        self.presentation, self.kiosk = Presentation(window), Kiosk(window)
        self._banner = None
        window.act["present"].triggered.connect(lambda _=False: self.presentation.start())
        window.act["kiosk"].triggered.connect(lambda _=False: self.start_kiosk())
        window.workspace.session.changed.connect(self._on_document)
        if panel is not None:
            panel.take_camera = lambda: window.view.camera()
            panel.scenario_shown = lambda: window.staging.showing.scenario
            panel.view_wanted.connect(self.show_view)
            panel.present_wanted.connect(self.presentation.start)
            panel.kiosk_wanted.connect(self.start_kiosk)
            panel.refresh()

    def show_view(self, view: View) -> None:
        """Fly to a saved view while planning. Its scenario becomes the active one; the city of today and
        other layers lie over the plan until the next change of it, and a message offers the way back."""
        window, session = self._window, self._window.workspace.session
        showing = showing_of(view, session.document)
        if showing.scenario not in (None, TODAY):
            session.edit(ShowScenario(showing.scenario))
            showing = Showing(None, showing.layers)
        if showing.layers == frozenset(visible_layers(session.document)):
            showing = Showing(showing.scenario, None)
        window.show_staged(showing)
        window.view.set_camera(view.camera, fly=not window.view.reduced_motion)
        self._tell(view, showing)

    def start_kiosk(self) -> None:
        """Begin the unattended mode; a running presentation ends first."""
        self.presentation.stop()
        self._forget()
        self.kiosk.start()

    def _tell(self, view: View, showing: Showing) -> None:
        self._forget()
        if showing != Showing():
            self._banner = self._window.stage.toasts.ask(
                "The picture shows the saved view “{name}”, not the plan.",
                (("Back to the plan", lambda: self._window.show_staged(Showing())),),
                name=view.name,
            )
            self._banner.closed.connect(self._closed)

    def _closed(self) -> None:
        self._banner = None

    def _forget(self) -> None:
        if self._banner is not None:
            self._banner.dismiss()

    def _on_document(self, old: Document, new: Document) -> None:
        """A change of the plan is wanted to be seen."""
        if self.presentation.running or self.kiosk.state != "off":
            return
        if replace(old, views=new.views) != new and self._window.staging.showing != Showing():
            self._forget()
            self._window.show_staged(Showing())
