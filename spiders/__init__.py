"""Sources, the spider, and the parsers of their indexes."""
