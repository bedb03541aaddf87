"""Fewer searches for garbage while pages come in: they are dicts of text, and in no cycle.

Reading makes so many of them that the collector, as it comes, took a quarter of the event loop's
time. What is in no cycle is freed all the same.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Objects that may be made before the next search; Python's own figure is 700.
YOUNGEST = 50_000


class _Readers:
    """How many read now, and the figures to go back to when the last of them is done."""

    count = 0
    before = (0, 0, 0)


@contextmanager
def rarely_searched() -> Iterator[None]:
    """May be entered again by others meanwhile, and left in any order."""
    if not _Readers.count:
        _Readers.before = gc.get_threshold()
        gc.set_threshold(YOUNGEST, *_Readers.before[1:])
    _Readers.count += 1
    try:
        yield
    finally:
        _Readers.count -= 1
        if not _Readers.count:
            gc.set_threshold(*_Readers.before)
