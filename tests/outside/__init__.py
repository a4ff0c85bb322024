"""Checks with tools of other projects that are no Python packages: schemas, Newsboat, sfeed. See docs/benchmarks.md."""
