"""The command line: info, snapshot, indicators, doctor, plugin. Draws without any display."""
