"""Log lines: no control characters, no secrets, and no page inside them."""

from __future__ import annotations

import logging
import sys

from aggregator.logs import PlainFormatter, safe_line


def test_what_stands_before_the_at_of_an_address_is_hidden() -> None:
    assert (
        safe_line("see https://user:pw@host.example/feed and ftp://a@b/")
        == "see https://***@host.example/feed and ftp://***@b/"
    )
    assert safe_line("mail me@host.example") == "mail me@host.example"


def test_control_characters_are_shown_and_not_obeyed() -> None:
    assert safe_line("a\r\nb\x1b[31m\u202e") == "a\\r\\nb\\x1b[31m\\u202e"


def test_a_long_run_of_letters_costs_no_more_than_its_length() -> None:
    # Backtracking over so many letters would take minutes, not a moment.
    text = "a" * 2_000_000
    assert safe_line(text) == text
    assert safe_line(text + "://" + text) == text + "://" + text


def test_a_message_that_holds_a_page_is_cut_and_its_traceback_is_made_safe() -> None:
    try:
        raise ValueError("x\x1b[2J" + "y" * 50_000 + "\nERROR forged")
    except ValueError:
        record = logging.LogRecord("n", logging.ERROR, "f", 1, "page %s", ("z" * 50_000,), sys.exc_info())
    text = PlainFormatter("%(levelname)s %(message)s").format(record)
    assert len(text) < 15_000
    assert "\x1b" not in text
    assert "\n    ERROR forged" in text
    assert "\nERROR forged" not in text
