"""One planning session: city sources, layers, scenarios, views, undo, and saving all of it safely.

State is one frozen ``Document``; nothing here knows Qt, VTK or how a file is read.
"""

from viewer.session.document import Camera, Document, FileMark, LayerStyle, Source, View
from viewer.session.session import Edit, Session

__all__ = ["Camera", "Document", "Edit", "FileMark", "LayerStyle", "Session", "Source", "View"]
