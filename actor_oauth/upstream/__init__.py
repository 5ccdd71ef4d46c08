"""Being a client of others: documents fetched from the web, without being misused.

`fetch.py` is the only place from which this server connects anywhere. What it fetches,
and what is made of it, is each in a file of its own.
"""
