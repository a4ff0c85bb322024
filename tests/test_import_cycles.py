"""No modules import each other in a cycle; imports for type checkers and inside functions count too."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

PACKAGES = ("aggregator", "spiders", "storage")


def imports_by_module() -> dict[str, set[str]]:
    """The modules of the product, each with the modules that it imports."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=False, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def find_cycle(imports: dict[str, set[str]]) -> list[str]:
    """The modules of an import cycle, or an empty list."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_modules_import_each_other_in_no_cycle() -> None:
    imports = imports_by_module()
    assert len(imports) > 300
    assert find_cycle(imports) == []


@pytest.mark.parametrize("importer", ["aggregator.crawl.context", "aggregator.crawl.host_limiter"])
def test_an_import_of_the_runner_below_it_is_found(importer: str) -> None:
    imports = imports_by_module()
    imports[importer] |= {"aggregator.crawl.runner"}
    assert importer in find_cycle(imports)
