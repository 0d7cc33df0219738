"""Preferences of this computer: language, theme, recent files. Never part of a session."""
