"""Records joined into customers, best evidence first, with vetoes that hold for whole clusters.

Joining everything that is connected chains strangers together, so weak evidence never overrules a
veto: two accounts of the CRM, two ERP customers of one legal entity, or two tax ids of one country.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum


class Method(IntEnum):
    """How a record came to its customer, strongest first."""

    OVERRIDE = 0
    XREF = 1
    TAX_ID = 2
    DOMAIN_COUNTRY = 3
    SCORE = 4
    SELF = 5


@dataclass(frozen=True)
class Node:
    """What the vetoes need to know of a record."""

    number: int
    role: str
    legal_entity: str | None = None
    tax: tuple[str, str] | None = None  # country, tax id
    is_active: bool = True


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


@dataclass
class Clusters:
    """Disjoint sets over the linked records; a record that nothing links is not held."""

    nodes: Mapping[int, Node]
    methods: dict[int, Method] = field(default_factory=dict)
    contradictory_xrefs: int = 0
    ambiguous: int = 0
    vetoed: int = 0
    _root: dict[int, int] = field(default_factory=dict)
    _cluster: dict[int, _Cluster] = field(default_factory=dict)

    def bar(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Pairs that no evidence may ever bring together; to be told before anything is linked."""
        for left, right in pairs:
            self._of(left).barred.add(right)
            self._of(right).barred.add(left)

    def link(self, pairs: Iterable[tuple[int, int]]) -> None:
        """A steward's decisions; that no bar contradicts them was checked when they were read."""
        for left, right in pairs:
            self._join(left, right, Method.OVERRIDE)

    def cross_reference(self, xrefs: Sequence["Xref"]) -> None:
        """Explicit references, weightiest first; contradicted ones are dropped and counted."""
        kept = without_contradictions(xrefs)
        self.contradictory_xrefs += len(xrefs) - len(kept)
        for xref in kept:
            left, right = self._of(xref.a), self._of(xref.b)
            # Through others, two accounts would become one; only an equal tax id proves that.
            fuses = bool(left.crm and right.crm and left.crm != right.crm)
            if fuses and not xref.agrees:
                self.contradictory_xrefs += 1
            elif self._is_barred(left, right):
                self.vetoed += 1
            else:
                self._join(xref.a, xref.b, Method.XREF)

    def agree(self, groups: Iterable[Sequence[int]], method: Method) -> None:
        """Records that share a value; whoever fits two customers that are not one is left alone."""
        for group in groups:
            self._agree(group, method)

    def suggest(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Pairs by a scorer, best first, under the same vetoes as all weak evidence."""
        for left, right in pairs:
            if self._can_join(self._of(left), self._of(right)):
                self._join(left, right, Method.SCORE)
            else:
                self.vetoed += 1

    def label(self, node: int) -> int:
        """The least record of the customer that the record belongs to."""
        return min(self._of(node).members) if node in self._root else node

    def linked(self) -> list[int]:
        return sorted(self._root)

    def _agree(self, group: Sequence[int], method: Method) -> None:
        hubs: list[int] = []
        for node in sorted({self._find(each) for each in group}, key=self._standing):
            fitting = [hub for hub in hubs if self._can_join(self._at(hub), self._at(node))]
            choice = self._choose(fitting)
            if choice is not None:
                self._join_through(group, choice, node, method)
                hubs = [self._find(hub) for hub in hubs]
            elif fitting:
                self.ambiguous += 1
            else:
                self.vetoed += bool(hubs)
                hubs.append(node)

    def _choose(self, fitting: Sequence[int]) -> int | None:
        """The only customer that fits, or the only one of them that sales knows."""
        known = [hub for hub in fitting if self._at(hub).active_crm]
        narrowed = known or fitting
        return narrowed[0] if len(narrowed) == 1 else None

    def _standing(self, root: int) -> tuple[bool, bool, int]:
        """Clusters with an account come first, then those with an ERP customer."""
        cluster = self._at(root)
        return (not cluster.crm, not cluster.erp, min(cluster.members))

    def _join_through(self, group: Sequence[int], hub: int, node: int, method: Method) -> None:
        touching = [each for each in group if self._find(each) in (hub, node)]
        self._join(hub, node, method, witnesses=touching)

    def _join(
        self, left: int, right: int, method: Method, witnesses: Sequence[int] | None = None
    ) -> None:
        for node in (left, right) if witnesses is None else witnesses:
            self.methods[node] = min(method, self.methods.get(node, Method.SELF))
        a, b = self._find(left), self._find(right)
        if a == b:
            return
        keep, drop = (a, b) if len(self._at(a).members) >= len(self._at(b).members) else (b, a)
        absorbed = self._cluster.pop(drop)
        self._at(keep).absorb(absorbed)
        for member in absorbed.members:
            self._root[member] = keep

    def _can_join(self, left: _Cluster, right: _Cluster) -> bool:
        if left is right:
            return True
        one_account = not (left.crm and right.crm)
        one_tax_id = all(
            not left.taxes[country].isdisjoint(right.taxes[country])
            for country in left.taxes.keys() & right.taxes.keys()
        )
        return (
            one_account
            and one_tax_id
            and not _share_entity(left, right)
            and not self._is_barred(left, right)
        )

    def _is_barred(self, left: _Cluster, right: _Cluster) -> bool:
        return not left.barred.isdisjoint(right.members)

    def _find(self, node: int) -> int:
        self._of(node)
        return self._root[node]

    def _at(self, root: int) -> _Cluster:
        return self._cluster[self._root[root]]

    def _of(self, number: int) -> _Cluster:
        if number not in self._root:
            self._root[number] = number
            self._cluster[number] = _alone(self.nodes[number])
        return self._cluster[self._root[number]]


@dataclass(frozen=True)
class Xref:
    """One record names the other. `agrees`: same tax id; the roles say which one is the child."""

    a: int
    b: int
    a_role: str
    b_role: str
    agrees: bool


def without_contradictions(xrefs: Sequence[Xref]) -> list[Xref]:
    """References of which each child has one parent per role, or several that share its tax id.

    A bill-to record belongs to one account and one ERP customer, an ERP customer to one account. Of
    parents that are named against each other the first in the given order stands.
    """
    seen: dict[tuple[int, str], Xref] = {}
    kept = []
    for xref in xrefs:
        slot = _child_slot(xref)
        first = seen.setdefault(slot, xref) if slot else xref
        if first is xref or (first.agrees and xref.agrees):
            kept.append(xref)
    return kept


def _child_slot(xref: Xref) -> tuple[int, str] | None:
    rank = {"billing": 0, "erp": 1, "crm": 2}
    if xref.a_role == xref.b_role:
        return None
    a_is_child = rank[xref.a_role] < rank[xref.b_role]
    return (xref.a, xref.b_role) if a_is_child else (xref.b, xref.a_role)


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
