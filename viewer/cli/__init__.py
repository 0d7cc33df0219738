"""The command line: info, snapshot, indicators, doctor, plugin. Draws without any display.

What the commands print is made here; reading, numbers and pictures come from the packages below. No Qt.
"""

from viewer.cli.command import COMMANDS, run

__all__ = ["COMMANDS", "run"]
