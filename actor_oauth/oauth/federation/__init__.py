"""Signing in with accounts at other services: the rules."""
