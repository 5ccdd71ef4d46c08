"""Signing in with an account that a person has elsewhere: the rules."""
