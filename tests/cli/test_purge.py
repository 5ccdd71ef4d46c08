from tests.cli.conftest import Command


def test_purging_looks_at_everything_there_is(actor_oauth: Command) -> None:
    actor_oauth("users", "add", "ada", "--password-stdin", stdin="a long password\n")
    done = actor_oauth("purge")
    # One user, and the 64 actors of devices.
    assert (done.status, done.err) == (0, "looked at 65 actors\n")
