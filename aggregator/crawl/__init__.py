"""Scrapy's glue: settings, middlewares, pipelines and the poll."""
