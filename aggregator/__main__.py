"""`python -m aggregator` is the `evnews` command."""

from aggregator.cli import main

main()
