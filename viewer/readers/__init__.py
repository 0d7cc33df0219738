"""Readers and writers: CityGML, CityJSON, footprints -> city model, and CityJSON back.

Every reader turns a file into a ``RawCity`` and ``assemble`` turns that into a checked ``CityModel``;
nothing here keeps state or knows what is drawn.
"""
