"""Proof by other people's tools that a test run cannot bring along: schemas, Newsboat, sfeed. docs/benchmarks.md."""
