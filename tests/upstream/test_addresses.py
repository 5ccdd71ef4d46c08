"""Which addresses count as public."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actor_oauth.upstream.addresses import is_literal, is_loopback, is_public


@pytest.mark.requirement("B-14")
@pytest.mark.parametrize(
    "address",
    [
        "93.184.215.14",
        "8.8.8.8",
        "2606:4700::6810:1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ],
)
def test_what_anybody_can_reach_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.requirement("B-14")
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "192.0.0.192",
        "192.88.99.1",
        "168.63.129.16",
        "64:ff9b::168.63.129.16",
        "224.0.0.1",
        "239.1.2.3",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::8.8.8.8",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "2001:db8::1",
        "100::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:8.8.8.8",
        "64:ff9b::127.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::8.8.8.8",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
        "2002:808:808::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "nonsense",
        "",
        "8.8.8.8.",
        "010.0.0.1",
    ],
)
def test_what_only_this_machine_or_network_can_reach_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.requirement("B-14")
@given(st.ip_addresses(v=4))
def test_hiding_an_address_in_another_form_gains_nothing(address: object) -> None:
    if not is_public(str(address)):
        assert not is_public(f"::ffff:{address}")
        assert not is_public(f"64:ff9b::{address}")
        assert not is_public(f"::{address}")


@pytest.mark.requirement("B-14")
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "1.2.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "x.0x",
        "c.example.127",
    ],
)
def test_an_address_is_known_as_one_in_every_spelling(host: str) -> None:
    assert is_literal(host)


@pytest.mark.parametrize("host", ["c.example", "127.0.0.1.c.example", "0x7f.cc", "a1"])
def test_a_name_is_no_address(host: str) -> None:
    assert not is_literal(host)


def test_loopback_is_this_machine_only() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert not is_loopback("8.8.8.8")
    assert not is_loopback("localhost")
