"""The archive: values, database, WARC files and search index."""
