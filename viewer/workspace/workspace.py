"""The workspace: opens files through the plugin host, derives what is shown and counted."""
