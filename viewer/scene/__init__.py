"""VTK: what is drawn, camera, picking, colours. A scene shows a ``SceneState`` and keeps no other state.

A scene can be made, shown and photographed without Qt; nothing here reads files or edits a session.
"""
