"""Which address a request counts for."""

import pytest

from actor_oauth.http.peer import caller_address


@pytest.mark.requirement("J-19")
def test_without_trusted_proxies_the_forwarded_header_is_ignored() -> None:
    assert caller_address("192.0.2.1", [b"198.51.100.7"], hops=0) == "192.0.2.1"


@pytest.mark.requirement("J-19")
@pytest.mark.parametrize(
    ("lines", "hops", "expected"),
    [
        ([b"198.51.100.7"], 1, "198.51.100.7"),
        ([b"1.1.1.1, 198.51.100.7"], 1, "198.51.100.7"),
        ([b"1.1.1.1", b"198.51.100.7"], 1, "198.51.100.7"),
        ([b"1.1.1.1, 198.51.100.7, 10.0.0.2"], 2, "198.51.100.7"),
        ([b"198.51.100.7"], 3, "198.51.100.7"),
        ([], 1, "192.0.2.1"),
        ([b"unknown"], 1, "192.0.2.1"),
        ([b"198.51.100.7:4711"], 1, "198.51.100.7"),
        ([b"[2001:db8::7]:4711"], 1, "2001:db8::"),
        ([b"\xff\xfe"], 1, "192.0.2.1"),
    ],
)
def test_an_entry_counts_only_if_a_trusted_proxy_wrote_it(
    lines: list[bytes], hops: int, expected: str
) -> None:
    assert caller_address("192.0.2.1", lines, hops=hops) == expected


def test_an_ipv6_subscriber_counts_as_one_caller() -> None:
    first = caller_address("2001:db8:1:2::1", [], hops=0)

    assert first == caller_address("2001:db8:1:2:ffff::9", [], hops=0)
    assert first != caller_address("2001:db8:1:3::1", [], hops=0)


def test_a_mapped_ipv4_address_is_that_ipv4_address() -> None:
    assert caller_address("::ffff:192.0.2.1", [], hops=0) == "192.0.2.1"


def test_a_connection_without_an_address_still_has_a_bucket() -> None:
    assert caller_address("", [], hops=0) == ""
