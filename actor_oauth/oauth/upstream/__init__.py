"""Being a client of other authorization servers: the rules, without any network.

What a stranger's server says is parsed and judged here; who asks it, and how, is in
`actor_oauth.upstream`. What is stored of it is in `actor_oauth.actors.vault`.
"""
