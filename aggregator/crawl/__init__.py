"""Poll sources through Scrapy: settings, middlewares, rate limiter, robots.txt, source polls and revisits."""
