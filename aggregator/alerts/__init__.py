"""Saved searches that speak up: what is new is told once."""
