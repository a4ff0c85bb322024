"""The way out for machines: one file a format."""
