"""How every command answers: records as lines, mistakes and troubles as one line of words, and its exit status.

0    done
1    done, and something is not as it should be; or it cannot be done: the archive, the disk, a closed pipe
2    a mistake of the user's: an option, a setting, a name, a file
130  stopped by Ctrl-C
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import NoReturn

from aggregator.formatting import format_count as format_count
from aggregator.logs import safe_line

TROUBLE, MISTAKE, INTERRUPTED = 1, 2, 130

# What JSON lets stand in a string, and a terminal or a reader of lines takes for a command.
_BREAKS = re.compile(r"\s*\n\s*")
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Mistake(Exception):
    """The user asked for something that cannot be; the message says what would do."""


def mistake(message: str) -> NoReturn:
    """End the command with a mistake of the user's."""
    raise Mistake(message)


def complain(message: str) -> None:
    """One line on stderr."""
    print(f"evnews: {safe_line(_BREAKS.sub(' ', message.strip()))}", file=sys.stderr, flush=True)


def print_json(fields: Mapping[str, object]) -> None:
    """One object as one line on stdout, safe for any terminal."""
    line = json.dumps(fields, ensure_ascii=False)
    print(_UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", line), flush=True)


def answered(work: Callable[[], int]) -> int:
    """Do a command's work; what its user can mend becomes one line on stderr and an exit status. Bugs stay bugs."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal may know few letters
    try:
        status = work()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        _abandon_output()
        return TROUBLE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        found = _explained(error)
        if found is None:
            raise
        complain(found[1])
        return found[0]


def _explained(error: Exception) -> tuple[int, str] | None:
    """The exit status and the words for what a user can mend, or None for a bug."""
    from aggregator.config import ConfigError
    from spiders.catalogue import CatalogueError
    from storage.errors import ArchiveError

    if isinstance(error, (Mistake, ConfigError, CatalogueError)):
        return MISTAKE, str(error)
    if isinstance(error, ArchiveError):
        return TROUBLE, str(error)
    if isinstance(error, OSError) and error.filename:
        return TROUBLE, f"{error.filename}: {error.strerror or error}"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        _abandon_output()
        return TROUBLE, f"the output cannot be written: {error.strerror}"
    return None


def _abandon_output() -> None:
    """What is still to be flushed to stdout goes nowhere, so that the end is quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
