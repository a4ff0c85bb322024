"""The address guard: the reactor's name resolver, which never returns an address that may not be connected to."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer

from aggregator.crawl.address_policy import AddressPolicy


@implementer(IResolutionReceiver)
class _PermittedAddressReceiver:
    """Passes on the addresses that the policy permits and notes the first that it does not."""

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
    """Wraps the reactor's own resolver. `exempt` is the proxy's host, which the operator named himself."""

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
        """Resolve a name or a literal; what is refused is left out of the answer."""
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
        """Why the last look-up of a host gave nothing to connect to, or None where it was not the guard."""
        address = self.blocked_addresses.get(host)
        return f"blocked_address: {host} leads to {address}, which is not public" if address else None


def install_guard(policy: AddressPolicy, exempt_host: str = "") -> GuardedResolver:
    """Put the guard on the reactor, in place of one that is there already; raises RuntimeError if it did not stay."""
    reactor = _get_reactor()
    current = reactor.nameResolver
    inner = current.inner if isinstance(current, GuardedResolver) else current
    guard = GuardedResolver(inner, policy, exempt_host)
    reactor.installNameResolver(guard)
    return verify_guard(guard)


def _get_reactor() -> Any:
    from twisted.internet import reactor  # only now: importing it chooses one

    return reactor


def verify_guard(guard: GuardedResolver) -> GuardedResolver:
    """The guard, once it is certain that the reactor resolves through it; raises RuntimeError otherwise."""
    current: object = _get_reactor().nameResolver
    if current is not guard:
        raise RuntimeError("the reactor's resolver is not the address guard: refusing to fetch anything")
    return guard
