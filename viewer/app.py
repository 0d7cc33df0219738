"""Builds the parts and connects them; nothing else."""
