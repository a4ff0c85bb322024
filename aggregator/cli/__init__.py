"""The command line."""

from aggregator.cli.app import app, main

__all__ = ["app", "main"]
