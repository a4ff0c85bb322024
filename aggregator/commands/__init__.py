"""Scrapy's own commands, where ours take their place (COMMANDS_MODULE)."""
