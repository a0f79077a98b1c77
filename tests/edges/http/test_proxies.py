# SPDX-License-Identifier: Apache-2.0
"""Whose request it is: only what one of our own proxies added is believed, however the lines are written."""

import pytest

from openmains.edges.http.proxies import Header, Proxies, networks_of, normal

OURS = networks_of("127.0.0.0/8, 10.9.0.0/16, 2001:db8:9::/48")


def address(peer: str, *lines: tuple[str, str], header: Header = "x-forwarded-for") -> str:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in lines]
    return Proxies(OURS, header).client(peer, headers).address


FOR = "x-forwarded-for"


@pytest.mark.parametrize(
    ("peer", "lines", "found"),
    [
        ("203.0.113.5", [], "203.0.113.5"),
        ("203.0.113.5", [(FOR, "1.1.1.1")], "203.0.113.5"),  # no proxy of ours: its word is nothing
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", [(FOR, "198.51.100.9")], "198.51.100.9"),
        ("127.0.0.1", [(FOR, "1.1.1.1, 198.51.100.9")], "198.51.100.9"),
        ("127.0.0.1", [(FOR, "1.1.1.1"), (FOR, "198.51.100.9")], "198.51.100.9"),  # two lines are one list
        ("127.0.0.1", [(FOR, "198.51.100.9"), (FOR, "10.9.1.1")], "198.51.100.9"),  # two proxies of ours
        ("127.0.0.1", [(FOR, "1.1.1.1, 198.51.100.9, 10.9.1.1"), (FOR, "10.9.2.2")], "198.51.100.9"),
        ("127.0.0.1", [(FOR, "198.51.100.9, rubbish")], "127.0.0.1"),
        ("127.0.0.1", [(FOR, "rubbish, 10.9.1.1")], "10.9.1.1"),
        ("127.0.0.1", [(FOR, "")], "127.0.0.1"),
        ("127.0.0.1", [(FOR, "198.51.100.9:4711")], "198.51.100.9"),
        ("127.0.0.1", [(FOR, "[2001:db8::5]:4711")], "2001:db8::5"),
        ("::ffff:127.0.0.1", [(FOR, "::ffff:198.51.100.9")], "198.51.100.9"),
        ("2001:db8:9::1", [(FOR, "198.51.100.9")], "198.51.100.9"),
        ("127.0.0.1", [("forwarded", "for=1.1.1.1"), (FOR, "198.51.100.9")], "198.51.100.9"),  # one header is chosen
        ("127.0.0.1", [("forwarded", "for=1.1.1.1")], "127.0.0.1"),
    ],
)
def test_the_last_hop_that_is_not_ours(peer: str, lines: list[tuple[str, str]], found: str) -> None:
    assert address(peer, *lines) == found


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["for=198.51.100.9"], "198.51.100.9"),
        (["for=1.1.1.1, for=198.51.100.9;proto=https;by=10.9.1.1"], "198.51.100.9"),
        (["for=1.1.1.1", 'For="[2001:db8::5]:4711"'], "2001:db8::5"),
        (['for="1.1.1.1, 2.2.2.2", for=198.51.100.9'], "198.51.100.9"),
        (["for=198.51.100.9, for=10.9.1.1"], "198.51.100.9"),
        (["for=198.51.100.9, for=_hidden"], "127.0.0.1"),
        (["for=198.51.100.9, for=unknown"], "127.0.0.1"),
        (["proto=https"], "127.0.0.1"),
        (['for="198.51.100.9'], "127.0.0.1"),
    ],
)
def test_forwarded_of_rfc_7239(lines: list[str], found: str) -> None:
    said = [("forwarded", line) for line in lines] + [(FOR, "6.6.6.6")]
    assert address("127.0.0.1", *said, header="forwarded") == found


def test_the_scheme_is_the_last_proxys_word() -> None:
    def scheme(peer: str, *lines: tuple[bytes, bytes], header: Header = "x-forwarded-for") -> str:
        return Proxies(OURS, header).client(peer, lines).scheme

    said = ((b"x-forwarded-proto", b"http"), (b"x-forwarded-proto", b"https"))
    assert scheme("127.0.0.1", *said) == "https"
    assert scheme("203.0.113.5", *said) == ""
    assert scheme("127.0.0.1", (b"forwarded", b"for=198.51.100.9;proto=HTTPS"), header="forwarded") == "https"


def test_nothing_is_believed_without_proxies() -> None:
    assert Proxies().client("127.0.0.1", [(b"x-forwarded-for", b"1.1.1.1")]).address == "127.0.0.1"
    assert Proxies().client("testclient", []).address == "testclient"
    assert normal("fe80::1%eth0") == "fe80::1"
    with pytest.raises(ValueError, match="nonsense"):
        networks_of("10.0.0.0/8, nonsense")
