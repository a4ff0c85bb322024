"""Exit statuses, JSON lines, warnings, error messages and output files.

0    done
1    done, but something needs attention; or impossible now: archive, disk, closed pipe
2    usage error: an option, a setting, a name or a file
130  stopped by Ctrl-C
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn

from aggregator.logs import safe_line

EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

_LINE_BREAKS = re.compile(r"\s*\n\s*")
# JSON allows these in a string, but terminals obey them or line readers break at them.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class UsageError(Exception):
    """The user asked for something impossible; the message says what to do instead."""


class OutputError(Exception):
    """The output file cannot be written; the message names the reason."""


def usage_error(message: str) -> NoReturn:
    """End the command with status 2 and a message."""
    raise UsageError(message)


def warn(message: str) -> None:
    """Print one line on stderr."""
    print(f"evnews: {safe_line(_LINE_BREAKS.sub(' ', message.strip()))}", file=sys.stderr, flush=True)


def warn_no_article(article_id: int | str) -> None:
    """Report an unknown article ID and where to find IDs."""
    warn(f"there is no article {article_id}; `evnews search` prints article IDs")


def print_json(fields: Mapping[str, object]) -> None:
    """Print one object as one line on stdout, safe for any terminal."""
    line = json.dumps(fields, ensure_ascii=False)
    print(_UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", line), flush=True)


@contextmanager
def output_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is replaced as a whole, or stdout for `-`. Raises OutputError."""
    if str(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    from storage.atomic_file import atomic_write

    try:
        with atomic_write(path) as file:
            yield file
    except OSError as error:
        raise OutputError(unwritable(path, error)) from error


def unwritable(path: Path, error: OSError) -> str:
    """Return the message for a file that cannot be written."""
    return f"{path} cannot be written: {error.strerror or error}; an existing file is left unchanged"


def megabytes(size: int) -> str:
    """Return a number of bytes in megabytes."""
    return f"{size / 1e6:,.1f} MB"


def run_command(work: Callable[[], int]) -> int:
    """Run a command and return its exit status; print errors that a user can fix as one line, let bugs through."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # terminals may lack characters
    try:
        status = work()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        _discard_output()
        return EXIT_FAILURE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:
        explained = _explain(error)
        if explained is None:
            raise
        status, message = explained
        warn(message)
        return status


def _explain(error: Exception) -> tuple[int, str] | None:
    """Return exit status and message for an error that a user can fix, None for a bug."""
    if isinstance(error, UsageError):
        return EXIT_USAGE, str(error)
    if isinstance(error, OutputError):
        return EXIT_FAILURE, str(error)
    from aggregator.config import ConfigError
    from spiders.catalogue import CatalogueError
    from storage.errors import ArchiveError

    if isinstance(error, (ConfigError, CatalogueError)):
        return EXIT_USAGE, str(error)
    if isinstance(error, ArchiveError):
        return EXIT_FAILURE, str(error)
    if isinstance(error, OSError) and error.filename:
        return EXIT_FAILURE, f"{error.filename}: {error.strerror or error}"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        _discard_output()
        return EXIT_FAILURE, f"the output cannot be written: {error.strerror}"
    return None


def _discard_output() -> None:
    """Send what is still buffered for stdout nowhere, so that the process ends without an error message."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
