"""The few records whose evidence contradicts itself, joined link by link, best evidence first.

Joining everything that is connected chains strangers together, so weak evidence never overrules a
veto: two accounts of the CRM, two ERP customers of one legal entity, two tax ids of one country, or
a steward's word. What breaks no veto is joined in the engine and never comes here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import groupby


class Method(IntEnum):
    """How a record came to its customer, strongest first."""

    OVERRIDE = 0
    XREF = 1
    TAX_ID = 2
    DOMAIN_COUNTRY = 3
    NAME_POSTCODE = 4
    SCORE = 5
    SELF = 6


# Rules of equal values: whoever fits two customers that cannot be one is left to the scorer.
_EQUAL_VALUES = (Method.TAX_ID, Method.DOMAIN_COUNTRY, Method.NAME_POSTCODE)

# Of shorter numbers a digit is too much of the whole to be taken for a slip.
_LONG_ENOUGH = 8


@dataclass(frozen=True)
class Node:
    """What the vetoes need to know of a record."""

    number: int
    role: str
    legal_entity: str | None = None
    tax: tuple[str, str] | None = None  # country, tax id
    is_active: bool = True


@dataclass(frozen=True)
class Edge:
    """A reason to join two records. One that `fuses` says that two of one system are the same."""

    a: int
    b: int
    method: Method
    strength: float = 0.0
    fuses: bool = False


@dataclass
class _Cluster:
    members: set[int]
    crm: set[int] = field(default_factory=set)
    active_crm: set[int] = field(default_factory=set)
    erp: dict[str | None, set[int]] = field(default_factory=dict)  # by legal entity
    taxes: dict[str, set[str]] = field(default_factory=dict)  # by country
    barred: set[int] = field(default_factory=set)  # records that must never join

    def absorb(self, other: "_Cluster") -> None:
        self.members |= other.members
        self.crm |= other.crm
        self.active_crm |= other.active_crm
        self.barred |= other.barred
        for entity, customers in other.erp.items():
            self.erp.setdefault(entity, set()).update(customers)
        for country, tax_ids in other.taxes.items():
            self.taxes.setdefault(country, set()).update(tax_ids)


class Clusters:
    """Disjoint sets of records under vetoes."""

    def __init__(self, nodes: Iterable[Node], barred: Iterable[tuple[int, int]] = ()) -> None:
        self.refused: list[Edge] = []
        self._root: dict[int, int] = {}
        self._cluster: dict[int, _Cluster] = {}
        self._role: dict[int, str] = {}
        for node in nodes:
            self._role[node.number] = node.role
            self._root[node.number] = node.number
            self._cluster[node.number] = _alone(node)
        for left, right in barred:
            if left in self._root and right in self._root:
                self._cluster[left].barred.add(right)
                self._cluster[right].barred.add(left)

    def seed(self, groups: Mapping[int, Sequence[int]]) -> None:
        """What was joined before and stays joined."""
        for first, *others in groups.values():
            for other in others:
                self._join(first, other)

    def join(self, edges: Iterable[Edge]) -> list[Edge]:
        """Join along the edges as far as the vetoes allow; those that hold."""
        ordered = sorted(edges, key=lambda e: (e.method, -e.strength, e.a, e.b))
        held: list[Edge] = []
        for method, group in groupby(ordered, key=lambda edge: edge.method):
            some = list(group)
            contested = self._contested(some) if method in _EQUAL_VALUES else set()
            for edge in some:
                if edge not in contested and self.may_join(edge):
                    self._join(edge.a, edge.b)
                    held.append(edge)
                else:
                    self.refused.append(edge)
        return held

    def label(self, node: int) -> int:
        """The least record of the customer that the record belongs to."""
        return min(self._cluster[self._root[node]].members)

    def may_join(self, edge: Edge) -> bool:
        left, right = self._of(edge.a), self._of(edge.b)
        if left is right or edge.method is Method.OVERRIDE:
            return True
        if not left.barred.isdisjoint(right.members):
            return False
        # What makes two records of one system one says nothing of another system's records.
        fused = self._role[edge.a] if edge.fuses else None
        if left.crm and right.crm and fused != "crm":
            return False
        if edge.method is Method.XREF:
            return True
        return _agree_on_taxes(left, right) and (fused == "erp" or not _share_entity(left, right))

    def _contested(self, edges: Sequence[Edge]) -> set[Edge]:
        """Edges of records that fit several accounts, or several ERP customers, equally well."""
        choices: dict[int, set[int]] = defaultdict(set)
        for edge in edges:
            a, b = self._root[edge.a], self._root[edge.b]
            if a != b and not edge.fuses and self.may_join(edge):
                choices[a].add(b)
                choices[b].add(a)
        torn = {at: self._rivals(at, others) for at, others in choices.items()}
        return {
            edge
            for edge in edges
            if self._root[edge.b] in torn.get(self._root[edge.a], ())
            or self._root[edge.a] in torn.get(self._root[edge.b], ())
        }

    def _rivals(self, at: int, others: set[int]) -> set[int]:
        """Those of the others of which only one can be right; none when sales knows just one."""
        rivals: set[int] = set()
        if not self._cluster[at].crm:
            accounts = {other for other in others if self._cluster[other].crm}
            active = {other for other in accounts if self._cluster[other].active_crm} or accounts
            rivals |= accounts - active if len(active) == 1 else accounts
        if not self._cluster[at].erp:
            ledgers = [other for other in others if self._cluster[other].erp]
            rivals |= {
                one
                for one in ledgers
                for two in ledgers
                if one != two and _share_entity(self._cluster[one], self._cluster[two])
            }
        return rivals

    def _join(self, left: int, right: int) -> None:
        a, b = self._root[left], self._root[right]
        if a == b:
            return
        keep, drop = (
            (a, b) if len(self._cluster[a].members) >= len(self._cluster[b].members) else (b, a)
        )
        absorbed = self._cluster.pop(drop)
        self._cluster[keep].absorb(absorbed)
        for member in absorbed.members:
            self._root[member] = keep

    def _of(self, number: int) -> _Cluster:
        return self._cluster[self._root[number]]


def _agree_on_taxes(left: _Cluster, right: _Cluster) -> bool:
    """Of a country that both pay taxes in they show one number, or two that differ in a digit."""
    return all(
        any(_is_slip(one, two) for one in left.taxes[country] for two in right.taxes[country])
        for country in left.taxes.keys() & right.taxes.keys()
    )


def _is_slip(one: str, two: str) -> bool:
    if one == two:
        return True
    if len(one) != len(two) or len(one) < _LONG_ENOUGH:
        return False
    return sum(a != b for a, b in zip(one, two, strict=True)) <= 1


def _share_entity(left: _Cluster, right: _Cluster) -> bool:
    """Whether both hold an ERP customer of the same legal entity; an unknown entity may be any."""
    if not left.erp or not right.erp:
        return False
    is_unknown = None in left.erp or None in right.erp
    return is_unknown or not left.erp.keys().isdisjoint(right.erp.keys())


def _alone(node: Node) -> _Cluster:
    cluster = _Cluster({node.number})
    if node.role == "crm":
        cluster.crm.add(node.number)
        if node.is_active:
            cluster.active_crm.add(node.number)
    if node.role == "erp":
        cluster.erp[node.legal_entity] = {node.number}
    if node.tax is not None:
        country, tax_id = node.tax
        cluster.taxes[country] = {tax_id}
    return cluster
