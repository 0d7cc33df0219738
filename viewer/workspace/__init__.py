"""A running viewer without its window: session + loaded data -> scene state and indicator table.

The window and the command line both stand on this; nothing here knows Qt, and nothing is drawn.
"""
