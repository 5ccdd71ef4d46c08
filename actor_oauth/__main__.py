"""`python -m actor_oauth`: the same as `actor-oauth`."""

from actor_oauth.cli import main

if __name__ == "__main__":
    main()
