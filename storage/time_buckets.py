"""Integer keys of an index by time and value: the time bucket in the high bits, the value in the low bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.db.tables import EPOCH


@dataclass(frozen=True, slots=True)
class TimeBuckets:
    """Time buckets of one length (`span`), for values below 2**`value_bits`.

    A search in a window of at most `span` asks for two keys per value.
    """

    span: timedelta
    value_bits: int

    def bucket_at(self, at: datetime) -> int:
        """Return the number of the bucket that holds a time."""
        return (at - EPOCH) // self.span

    def keys(self, values: Iterable[int], first: datetime, last: datetime) -> list[int]:
        """Return the keys of values in all buckets from one time to another."""
        return self.keys_between(values, self.bucket_at(first), self.bucket_at(last))

    def keys_between(self, values: Iterable[int], first: int, last: int) -> list[int]:
        """Return the keys of values in the buckets with the numbers `first` to `last`."""
        kept = tuple(values)
        return [(bucket << self.value_bits) + value for bucket in range(first, last + 1) for value in kept]

    def bucket_of(self, key: int) -> int:
        """Return the number of a key's bucket."""
        return key >> self.value_bits

    def value_of(self, key: int) -> int:
        """Return a key's value."""
        return key & ((1 << self.value_bits) - 1)
