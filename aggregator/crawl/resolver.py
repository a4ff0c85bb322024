"""Address guard: a name resolver for the reactor that returns only addresses that the policy permits."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer

from aggregator.crawl.address_policy import AddressPolicy


@implementer(IResolutionReceiver)
class _PermittedAddressReceiver:
    """Passes on permitted addresses, and records the last other address of each name in `blocked`."""

    def __init__(self, receiver: Any, policy: AddressPolicy, name: str, blocked: dict[str, str]) -> None:
        self._receiver, self._policy, self._name, self._blocked = receiver, policy, name, blocked
        blocked.pop(name, None)

    def resolutionBegan(self, resolution: Any) -> None:
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:
        host = str(address.host).partition("%")[0]
        if self._policy.permits(ipaddress.ip_address(host)):
            self._receiver.addressResolved(address)
        else:
            if len(self._blocked) > 1000:
                self._blocked.clear()
            self._blocked[self._name] = host

    def resolutionComplete(self) -> None:
        self._receiver.resolutionComplete()


@implementer(IHostnameResolver)
class GuardedResolver:
    """Wraps the reactor's resolver. `exempt_host` is the host of the operator's proxy, which may be private."""

    def __init__(self, inner: Any, policy: AddressPolicy, exempt_host: str = "") -> None:
        self.policy = policy
        self.inner = inner
        self.exempt_host = exempt_host.lower()
        self.blocked_addresses: dict[str, str] = {}

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Resolve a name or an IP literal; addresses that the policy refuses are left out of the result."""
        receiver = resolutionReceiver
        if hostName.lower() != self.exempt_host:
            receiver = _PermittedAddressReceiver(
                resolutionReceiver, self.policy, hostName.lower(), self.blocked_addresses
            )
        resolution: IHostResolution = self.inner.resolveHostName(
            receiver, hostName, portNumber, addressTypes, transportSemantics
        )
        return resolution

    def explain_refusal(self, host: str) -> str | None:
        """Return why the guard refused the last look-up of a host, or None if it did not."""
        address = self.blocked_addresses.get(host)
        return f"blocked_address: {host} leads to {address}, which is not public" if address else None


def install_guard(policy: AddressPolicy, exempt_host: str = "") -> GuardedResolver:
    """Install a guard as the reactor's resolver, in place of an earlier guard; raise RuntimeError if that fails."""
    reactor = _get_reactor()
    current = reactor.nameResolver
    inner = current.inner if isinstance(current, GuardedResolver) else current
    guard = GuardedResolver(inner, policy, exempt_host)
    reactor.installNameResolver(guard)
    return verify_guard(guard)


def _get_reactor() -> Any:
    from twisted.internet import reactor  # imported late: the first import installs the default reactor

    return reactor


def verify_guard(guard: GuardedResolver) -> GuardedResolver:
    """Return the guard; raise RuntimeError if the reactor does not resolve through it."""
    current: object = _get_reactor().nameResolver
    if current is not guard:
        raise RuntimeError("the reactor's resolver is not the address guard: nothing is fetched")
    return guard
