"""Scrapy settings of every crawl: polite, bounded, without open ports and without pickle."""

BOT_NAME = "evnews"
SPIDER_LOADER_CLASS = "spiders.loader.CatalogueLoader"
COMMANDS_MODULE = "aggregator.cli.scrapy_commands"
TWISTED_REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"

# Each host gets one request at a time. `host_limiter.py` applies the delay of the host across all crawls. Scrapy's own
# delay must not be zero, because a slot without a delay sends bursts.
CONCURRENT_REQUESTS = 8
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_DELAY = 0.0001
DOWNLOAD_DELAY_JITTER = 0
AUTOTHROTTLE_ENABLED = False
# A page is one item. Scrapy starts this many tasks per response, whether or not they have items.
CONCURRENT_ITEMS = 1

DOWNLOAD_HANDLERS = {
    "http": "aggregator.crawl.download_handler.PoliteHandler",
    "https": "aggregator.crawl.download_handler.PoliteHandler",
    "file": None,
    "data": None,
    "ftp": None,
    "s3": None,
}
DOWNLOAD_MAXSIZE = 15 * 2**20
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_TIMEOUT = 30
DOWNLOAD_FAIL_ON_DATALOSS = True
DOWNLOAD_VERIFY_CERTIFICATES = True
DOWNLOAD_TLS_MIN_VERSION = "TLSv1.2"
URLLENGTH_LIMIT = 2083

# Scrapy's default middlewares and extensions are off; the needed ones are listed in order.
DOWNLOADER_MIDDLEWARES_BASE: dict[str, int] = {}
DOWNLOADER_MIDDLEWARES = {
    "aggregator.crawl.middlewares.RobotsMiddleware": 100,
    "aggregator.crawl.middlewares.ProxyMiddleware": 200,
    "aggregator.crawl.middlewares.ConditionsMiddleware": 300,
    "scrapy.downloadermiddlewares.downloadtimeout.DownloadTimeoutMiddleware": 350,  # reads DOWNLOAD_TIMEOUT
    "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": 400,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": 500,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": 600,
    "aggregator.crawl.middlewares.ParkingMiddleware": 700,
}
SPIDER_MIDDLEWARES_BASE: dict[str, int] = {}
SPIDER_MIDDLEWARES = {
    # RedirectMiddleware requires it; the policy sends no Referer.
    "scrapy.spidermiddlewares.referer.RefererMiddleware": 700,
}
REFERRER_POLICY = "no-referrer"
EXTENSIONS_BASE: dict[str, int] = {}
EXTENSIONS = {
    "scrapy.extensions.corestats.CoreStats": 0,  # records the finish reason
    "aggregator.crawl.middlewares.EarlyStop": 100,
}
ADDONS: dict[str, int] = {}
ITEM_PIPELINES = {"aggregator.crawl.middlewares.IngestPipeline": 100}
REDIRECT_MAX_TIMES = 6
METAREFRESH_ENABLED = False
COOKIES_ENABLED = False
HTTPPROXY_ENABLED = False
RETRY_ENABLED = False
COMPRESSION_ENABLED = False
ROBOTSTXT_OBEY = False  # RobotsMiddleware obeys it, with one copy per process
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5",
    "Accept-Encoding": "gzip",  # the only coding that the worker processes decode, with a size limit
}
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"  # the leads table records which URLs were fetched
SCHEDULER_MEMORY_QUEUE = "scrapy.squeues.FifoMemoryQueue"
STATS_DUMP = False
LOG_ENABLED = False
