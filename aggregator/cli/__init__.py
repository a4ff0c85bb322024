"""Every command with its options, a module a matter; each imports what it runs when it runs."""

from aggregator.cli.app import app, main

# In the order in which `evnews --help` lists their commands.
# isort: off
from aggregator.cli.commands import (  # noqa: F401
    running,
    reading,
    sources_options,
    searches_options,
    files,
    token,
    db_options,
)

__all__ = ["app", "main"]
