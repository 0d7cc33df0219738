"""Measures reading and drawing as ratios within one run. ``make bench`` runs all of it."""
