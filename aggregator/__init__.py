"""Crawl, extract, archive and publish news."""

__version__ = "0.1.0"
