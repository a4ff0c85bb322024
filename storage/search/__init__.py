"""One grammar for search, one file a dialect."""
