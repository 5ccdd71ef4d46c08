"""Being a client of other authorization servers: the rules, without any network.

What another server says is parsed and checked here; `actor_oauth.upstream` makes the
requests, and `actor_oauth.actors.vault` stores the results.
"""
