"""Checks with tools of other projects that no Python package contains: schemas, Newsboat, sfeed. See docs/benchmarks.md."""
