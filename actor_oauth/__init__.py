"""An OAuth 2.1 provider for MCP servers and HTTP APIs, made of durable actors on Trio.

Start with `actor_oauth.provider.Provider`, which serves an application and the provider
that protects it in one process, or with `actor-oauth serve`. `actor_oauth.runtime` is
the actors by themselves.
"""
