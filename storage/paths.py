"""The default home folder."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def default_home() -> Path:
    """Return the platform's data folder for evnews."""
    return Path(platformdirs.user_data_dir("evnews", appauthor=False))
