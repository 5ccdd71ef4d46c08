"""The composition root: opens runtime, actors and HTTP in one nursery, and serves them.

The only place that builds things; everything else receives what it needs. A new part
of a running provider is opened in `authority.py`, or in `opening.py` if it answers
requests, a service beside the requests stands in
`background.py`, a path in the table of `http/app.py`.
"""

from actor_oauth.provider.backups import (
    Backup,
    check_backup,
    make_backup,
    restore_backup,
)
from actor_oauth.provider.command import serve
from actor_oauth.provider.facade import Provider
from actor_oauth.provider.keyring_following import follow_keyring
from actor_oauth.provider.parts import RunningProvider

__all__ = [
    "Backup",
    "Provider",
    "RunningProvider",
    "check_backup",
    "follow_keyring",
    "make_backup",
    "restore_backup",
    "serve",
]
