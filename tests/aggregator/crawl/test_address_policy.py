"""The address policy permits public addresses and allowed networks, in every spelling."""

import ipaddress

import pytest

from aggregator.crawl.address_policy import AddressPolicy, BlockedAddress, parse_ip_literal, permits_port

PRIVATE = (
    "127.0.0.1", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "0", "127\u30020\u30020\u30021",
    "\u2460\u2461\u2466.0.0.1", "\uff11\uff12\uff17.0.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fd00:ec2::254]", "[fe80::1]", "169.254.169.254",
    "168.63.129.16", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
)  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_private_address_is_refused_in_every_spelling(host: str) -> None:
    address = parse_ip_literal(host)
    assert address is not None
    assert not AddressPolicy().permits(address)
    with pytest.raises(BlockedAddress, match="blocked_address"):
        AddressPolicy().check_url(f"http://{host}/latest/meta-data/")


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::6810:84e5", "::ffff:93.184.215.14"])
def test_public_addresses_are_permitted(address: str) -> None:
    assert AddressPolicy().permits(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", ["example.com", "face", "bad.cafe", "a1b2.example", "x" * 300])
def test_host_names_are_not_parsed_as_addresses(host: str) -> None:
    assert parse_ip_literal(host) is None


def test_allowed_network_permits_only_its_own_addresses() -> None:
    policy = AddressPolicy((ipaddress.ip_network("127.0.1.0/24"),))
    policy.check_url("http://127.0.1.7:8900/feed.xml")
    for blocked in ("http://127.0.0.1:8900/canary", "http://10.0.0.1/"):
        with pytest.raises(BlockedAddress):
            policy.check_url(blocked)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "data:text/html,x", "ftp://h.example/x", "s3://b/k", "gopher://h.example/",
        "javascript:alert(1)",
        "http:///nowhere", "http://h.example:22/", "http://h.example:25/", "http://h.example:6379/", "http://[bad/",
    ],
)  # fmt: skip
def test_other_schemes_and_ports_are_refused(url: str) -> None:
    with pytest.raises(BlockedAddress):
        AddressPolicy().check_url(url)


def test_ports_of_web_servers_are_permitted() -> None:
    assert all(permits_port(port) for port in (80, 443, 8080, 8443, 32768, 65535))
    assert not any(permits_port(port) for port in (0, 22, 25, 1023, 6379, 5432, 11211, 65536))
