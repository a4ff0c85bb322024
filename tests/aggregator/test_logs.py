"""Log lines hold no control characters, no secrets and no whole pages."""

from __future__ import annotations

import logging
import sys

from aggregator.logs import PlainFormatter, safe_line


def test_user_and_password_of_a_url_are_hidden() -> None:
    assert (
        safe_line("see https://user:pw@host.example/feed and ftp://a@b/")
        == "see https://***@host.example/feed and ftp://***@b/"
    )
    assert safe_line("mail me@host.example") == "mail me@host.example"


def test_control_characters_are_escaped() -> None:
    assert safe_line("a\r\nb\x1b[31m\u202e") == "a\\r\\nb\\x1b[31m\\u202e"


def test_long_run_of_letters_takes_linear_time() -> None:
    # With backtracking this would take minutes.
    text = "a" * 2_000_000
    assert safe_line(text) == text
    assert safe_line(text + "://" + text) == text + "://" + text


def test_long_message_is_cut_and_traceback_is_escaped() -> None:
    try:
        raise ValueError("x\x1b[2J" + "y" * 50_000 + "\nERROR forged")
    except ValueError:
        record = logging.LogRecord("n", logging.ERROR, "f", 1, "page %s", ("z" * 50_000,), sys.exc_info())
    text = PlainFormatter("%(levelname)s %(message)s").format(record)
    assert len(text) < 15_000
    assert "\x1b" not in text
    assert "\n    ERROR forged" in text
    assert "\nERROR forged" not in text
