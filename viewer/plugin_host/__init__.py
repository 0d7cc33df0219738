"""Finds, checks and runs plugins; a failure stays inside its plugin. Knows no Qt and draws nothing."""
