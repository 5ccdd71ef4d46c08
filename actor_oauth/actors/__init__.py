"""Decisions bound to storage: load facts, decide, save, in one turn. All SQL is here."""
