"""The long-running service: composition, leadership, clock, housekeeping, server and metrics."""
