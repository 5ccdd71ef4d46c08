"""Races: requests of which at most one order is right, sent so that none can be seen.

Each race is a module: it prepares its requests, lets them go at once, looks at what is
left, and judges. Judging is apart from asking, so that it can be tested by itself.
"""
