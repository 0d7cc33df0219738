"""Qt: window, panels, dialogs, translations, background tasks. Shows the workspace, keeps no state of its own."""
