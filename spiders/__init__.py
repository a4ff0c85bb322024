"""Who brings the news home: the catalogue of sources, the spider, and the readers of indexes."""
