"""Histories: is there any order in which one careful server could have answered so?

A run records every request and answer with its times. Requests of a grant that did not
overlap happened in that order; those that did may have happened in any. The checker
looks for one order that the sequential model of a grant allows. If there is none,
requests saw each other's work half-done: the server accepted what was revoked, lost a
grant, forked a chain, or gave one token two successors.
"""
