"""What is done with the news: crawling, extraction, schedules, and the ways out."""

__version__ = "0.1.0"
