"""What a thread is made of, and what it says of itself. Pure values."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

# In the order of the business; of several records with one id the first kind is meant.
KINDS = (
    "customer",
    "opportunity",
    "contract",
    "contract_line",
    "subscription",
    "crm_subscription",
    "invoice",
    "invoice_line",
    "usage",
    "credit_note",
    "payment",
    "refund",
    "dispute",
    "payout",
    "erp_invoice",
    "erp_credit_note",
    "erp_payment",
    "erp_refund",
    "erp_deposit",
    "revenue_schedule_line",
    "erp_revenue_line",
    "journal_entry",
    "journal_line",
)
# A month of revenue is dated by its period, use by its day; a customer stood before the sale.
TIMELESS = {"revenue_schedule_line", "erp_revenue_line", "usage", "customer"}
_RANK = {kind: place for place, kind in enumerate(KINDS)}


def rank_of(kind: str) -> int:
    """The place of a kind in the order of the business; one that is not known comes last."""
    return _RANK.get(kind, len(KINDS))


class Node(NamedTuple):
    """One record. `amount_minor` is in minor units of `currency`; `happened_at` is UTC."""

    key: str
    kind: str
    record_id: str
    system: str | None
    label: str | None
    status: str | None
    happened_at: datetime | None
    amount_minor: int | None
    currency: str | None
    correlation_id: str | None
    is_shared: bool

    @property
    def rank(self) -> int:
        return rank_of(self.kind)


class Edge(NamedTuple):
    """A way from one record towards the ledger; `how` is key or inferred, `rule` says by what.

    `evidence`, of ways to a customer, is identity's own account of the link.
    """

    from_key: str
    to_key: str
    how: str
    rule: str
    amount_minor: int | None
    currency: str | None
    evidence: str | None = None

    @property
    def words(self) -> str:
        """The rule, the keys that match, and how probable the model finds it."""
        said = json.loads(self.evidence or "{}")
        keys = f": {', '.join(said['keys'])}" if said.get("keys") else ""
        p = f", p {said['probability']:.2f}" if "probability" in said else ""
        return f"{self.rule}{keys}{p}"


@dataclass(frozen=True)
class Branch:
    """A record in its place in the tree, with the way that leads to it.

    `seconds` passed since its parent came about; `again` says that it stands elsewhere in full.
    `threads` counts the threads that share it, where it is shared. `holds_asked`: what was asked
    for stands in this branch.
    """

    node: Node
    edge: Edge | None
    seconds: int | None
    children: tuple["Branch", ...]
    again: bool = False
    threads: int | None = None
    holds_asked: bool = False


@dataclass(frozen=True)
class Thread:
    """The records behind one root; `asked` are those that were asked for."""

    root: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    asked: frozenset[str]
    sharing: Mapping[str, int]

    @property
    def name(self) -> str:
        """The correlation id, or the root where there is none."""
        return self.nodes[self.root].correlation_id or self.root

    def asking(self, keys: Collection[str]) -> "Thread":
        """The same thread with these records asked for, as far as they are in it."""
        return replace(self, asked=frozenset(keys) & self.nodes.keys())

    @cached_property
    def _ways(self) -> dict[str, list[Edge]]:
        ways: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            ways[edge.from_key].append(edge)
        return ways

    def tree(self) -> Branch:
        """Each record in full once, where the shortest way leads to it first."""
        return self._branch(self.root, None, None, set())

    def _branch(self, key: str, edge: Edge | None, parent: Node | None, seen: set[str]) -> Branch:
        node = self.nodes[key]
        again = key in seen and not node.is_shared
        seen.add(key)
        children: tuple[Branch, ...] = ()
        if not again and not node.is_shared:
            children = tuple(
                self._branch(way.to_key, way, node, seen) for way in self._ordered(key)
            )
        return Branch(
            node,
            edge,
            latency(parent, node),
            children,
            again,
            self.sharing.get(key),
            key in self.asked or any(child.holds_asked for child in children),
        )

    def _ordered(self, key: str) -> list[Edge]:
        def order(edge: Edge) -> tuple[int, str, str]:
            node = self.nodes[edge.to_key]
            return node.rank, node.happened_at.isoformat() if node.happened_at else "", node.key

        return sorted(self._ways[key], key=order)


def latency(parent: Node | None, node: Node) -> int | None:
    """Seconds from the parent to the record; None where one of them has no time of its own."""
    if parent is None or parent.happened_at is None or node.happened_at is None:
        return None
    if {parent.kind, node.kind} & TIMELESS:
        return None
    return int((node.happened_at - parent.happened_at).total_seconds())


@dataclass(frozen=True)
class Found:
    """What an id means. Several `candidates` of different threads make it ambiguous."""

    identifier: str
    candidates: tuple[Node, ...]
    threads: tuple[Thread, ...]
    more_threads: int = 0


def reachable(starts: Iterable[str], ways: Mapping[str, list[str]]) -> set[str]:
    """Everything that the ways lead to, the starts included."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting.extend(ways.get(key, ()))
    return found


def roots_of(starts: Iterable[str], parents: Mapping[str, list[str]]) -> Iterator[str]:
    """Where the ways towards the sale end, in the order of their keys."""
    yield from sorted(key for key in reachable(starts, parents) if not parents.get(key))
