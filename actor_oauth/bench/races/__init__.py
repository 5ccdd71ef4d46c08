"""Races: requests of which at most one order is right, sent so that none can be seen.

Each race is a module: it prepares its requests, sends them all at once, checks what is
left, and judges. Judging is separate from asking, so that it can be tested by itself.
"""
