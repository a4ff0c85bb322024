"""Saved searches that send notifications about new articles."""
