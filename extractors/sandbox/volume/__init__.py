"""A company of any size, written straight into the store: for benchmarks and for chaos.

Its records hang together as those of the simulated world do, and keep the vendors' forms; what they
lack is a story. Customers come ever faster over the months. As in real systems many records share a
second: the first of a month bills at midnight, and a clean-up stamps opportunities by the hundred.
"""

from extractors.sandbox.volume.changes import touch
from extractors.sandbox.volume.company import fill

__all__ = ["fill", "touch"]
