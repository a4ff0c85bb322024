"""Pytest plugin: deselect the tests of groups unless `-m` selects them, and fail those whose tools are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from functools import cache
from typing import Any

import pytest

from tests.groups import GROUPS, Group, missing_tools

_LEFT_OUT = pytest.StashKey[Counter[str]]()
_REPORT = "evnews_left_out"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of each group."""
    config.stash[_LEFT_OUT] = Counter()
    for group in GROUPS:
        config.addinivalue_line("markers", f"{group.marker}(quick=False): {group.description} (make {group.name})")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of groups, except `quick` ones whose tools are here. An option `-m` selects by itself."""
    if config.option.markexpr:
        return
    left_out = {item: group for item in items if (group := _excluding_group(item))}
    config.stash[_LEFT_OUT] = Counter(group.name for group in left_out.values())
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def _excluding_group(item: pytest.Item) -> Group | None:
    """Return the group that keeps a test out of `make test`."""
    for group in GROUPS:
        marker = item.get_closest_marker(group.marker)
        if marker and (not marker.kwargs.get("quick") or _missing(group)):
            return group
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test whose group lacks a tool."""
    for group in GROUPS:
        if item.get_closest_marker(group.marker) and (missing := _missing(group)):
            pytest.fail(f"missing: {', '.join(missing)}; install with: make tools GROUPS={group.name}", pytrace=False)


@cache
def _missing(group: Group) -> tuple[str, ...]:
    return tuple(missing_tools(group))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Print, as the last line, how many tests of each group were left out."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput[_REPORT] = dict(config.stash[_LEFT_OUT])
    result = yield
    left_out = config.stash[_LEFT_OUT]
    if left_out and (reporter := config.pluginmanager.get_plugin("terminalreporter")):
        groups = [group.name for group in GROUPS if group.name in left_out]
        counts = ", ".join(f"{left_out[name]} {name}" for name in groups)
        reporter.write_line(f"left out: {counts} ({', '.join(f'make {name}' for name in groups)})")
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over the counts of a worker process of pytest-xdist; each worker collects the same tests."""
    left_out = getattr(node, "workeroutput", {}).get(_REPORT)
    if left_out:
        node.config.stash[_LEFT_OUT] = Counter(left_out)
