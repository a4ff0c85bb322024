"""Decide when each index is polled, and why."""
