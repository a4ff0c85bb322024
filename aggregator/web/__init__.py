"""The way out over HTTP: feeds for readers, and what else a server gives."""
