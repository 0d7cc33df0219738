"""Generator of Auenstadt, the invented German quarter that Stadtforum opens as its sample.

``python -m tools.sample`` writes it; the same code and seed always give the same city.
"""
