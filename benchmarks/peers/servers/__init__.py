"""Servers of others, set up to be measured: one file for each, written by its public docs.

Each has one command that makes what it needs and listens; what the instrument starts from
`mint.py` prints, unless the server registers clients and approves at once.
"""
