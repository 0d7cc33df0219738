"""A running viewer without its window: session + loaded data -> scene state and indicator table.

The window and the command line both stand on this; nothing here knows Qt, and nothing is drawn.
"""

from viewer.workspace.describe import FeatureInfo
from viewer.workspace.loaded import Loaded
from viewer.workspace.workspace import Workspace

__all__ = ["FeatureInfo", "Loaded", "Workspace"]
