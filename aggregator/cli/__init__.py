"""Every command with its options, a module a matter; each imports what it runs when it runs."""

from aggregator.cli.front import app, main

# In the order in which `evnews --help` lists their commands.
# isort: off
from aggregator.cli import running, reading, sources, searches, files, tokens, db  # noqa: F401

__all__ = ["app", "main"]
