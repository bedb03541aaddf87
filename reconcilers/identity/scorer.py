"""The door for a statistical matcher, which judges pairs that no rule decides.

What a scorer proposes is weak evidence: it comes after every rule, under the same vetoes. A model
must be trained beforehand and frozen, since one that learns every night would churn ids.
"""

from dataclasses import dataclass
from typing import Protocol

import duckdb


@dataclass(frozen=True)
class Proposal:
    """Two records by (system, source id), and how probable (0 to 1) it is that they are one."""

    left: tuple[str, str]
    right: tuple[str, str]
    probability: float


class Scorer(Protocol):
    def propose(self, con: duckdb.DuckDBPyConnection) -> list[Proposal]:
        """Pairs of identity.identity_records that are good enough to be joined without a person."""
        ...
