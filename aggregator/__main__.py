"""Run the command line with `python -m aggregator`."""

from aggregator.cli import main

main()
