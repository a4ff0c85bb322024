"""Where everything lies: the home folder, where nobody names another."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def default_home() -> Path:
    """The platform's folder for a user's data."""
    return Path(platformdirs.user_data_dir("evnews", appauthor=False))
