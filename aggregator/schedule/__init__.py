"""When each source is polled, and why."""
