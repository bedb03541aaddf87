"""Finds threads in the warehouse: an id to its records, up to the sale, down to the ledger.

A walk never goes on behind a record that many threads share, and never up again after it went
down: two threads that meet in one payment, customer or collective journal stay two.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import Any

from duckdb import DuckDBPyConnection

from reconcilers.trace.thread import Edge, Found, Node, Thread, rank_of, reachable, roots_of

# How many threads of a shared record are told in full.
THREADS_SHOWN = 5
# Up to so many ids it is cheaper to look for each where it stands than to work out all of a kind.
_FEW = 2000
_EDGE = "from_key, to_key, how, rule, amount_minor, currency, evidence"
_NODE = (
    "node_key, kind, record_id, system, label, status, happened_at, amount_minor, currency, "
    "correlation_id, is_shared"
)


def find(con: DuckDBPyConnection, identifier: str, *, shown: int = THREADS_SHOWN) -> Found:
    """What `identifier` means, and the threads that it is part of; no candidates if unknown."""
    text = identifier.strip()
    keys = {text, *(key for _, key in _aliases(con, [text]))}
    candidates = tuple(sorted(_nodes(con, keys), key=lambda node: (node.rank, node.key)))
    if not candidates:
        return Found(text, (), ())
    roots = {node.key: roots_above(con, [node.key]) for node in candidates}
    if len({tuple(found) for found in roots.values()}) > 1 and not _one_in_another(roots):
        return Found(text, candidates, ())
    every = max(roots.values(), key=len)
    chosen = frozenset(keys)
    threads = threads_of(con, every[:shown], chosen)
    return Found(text, candidates, tuple(threads), len(every) - len(threads))


def _one_in_another(roots: dict[str, list[str]]) -> bool:
    """Whether the records of an id are parts of one thread, as an invoice and its ERP copy are."""
    most = max(map(set, roots.values()), key=len)
    return all(set(found) <= most for found in roots.values()) and len(most) == 1


def roots_above(con: DuckDBPyConnection, keys: Collection[str]) -> list[str]:
    """The first records of all threads that these records are part of."""
    return list(roots_of(keys, ways_up(con, keys)))


def ways_up(con: DuckDBPyConnection, keys: Collection[str]) -> dict[str, list[str]]:
    """Per record above these, and of these, the records that lead to it."""
    parents: dict[str, list[str]] = defaultdict(list)
    frontier = set(keys)
    seen = set(frontier)
    while frontier:
        edges = _edges(con, "to", frontier)
        for edge in edges:
            parents[edge.to_key].append(edge.from_key)
        frontier = {edge.from_key for edge in edges} - seen
        seen |= frontier
    return parents


def nodes_named(con: DuckDBPyConnection, ids: Collection[str]) -> dict[str, list[Node]]:
    """What each id means; ids that mean nothing are left out."""
    rows = sorted(_aliases(con, ids))
    nodes = {node.key: node for node in _nodes(con, {key for _, key in rows})}
    named: dict[str, list[Node]] = defaultdict(list)
    for alias, key in rows:
        named[alias].append(nodes[key])
    return dict(named)


def threads_of(
    con: DuckDBPyConnection, roots: Sequence[str], asked: Iterable[str] = ()
) -> list[Thread]:
    """The threads of these roots, whole, in the order given."""
    edges, nodes = _below(con, roots)
    sharing = _sharing(con, [key for key, node in nodes.items() if node.is_shared])
    leading: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        leading[edge.from_key].append(edge)
    ways = {key: [edge.to_key for edge in some] for key, some in leading.items()}
    threads = []
    for root in roots:
        members = reachable([root], ways)
        threads.append(
            Thread(
                root=root,
                nodes={key: nodes[key] for key in members},
                edges=tuple(edge for key in sorted(members) for edge in leading.get(key, ())),
                asked=frozenset(asked) & members,
                sharing={key: sharing[key] for key in members if key in sharing},
            )
        )
    return threads


def _below(con: DuckDBPyConnection, roots: Sequence[str]) -> tuple[list[Edge], dict[str, Node]]:
    """All that the ways from the roots lead to, one kind after the other.

    Ways follow the order of the business, so what is found of a kind has been found when its turn
    comes, and its tables are gone through once.
    """
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    starts = frozenset(roots)
    frontier = set(starts)
    while frontier:
        first = min({_kind_of(key) for key in frontier}, key=rank_of)
        asked = {key for key in frontier if _kind_of(key) == first}
        found = _nodes(con, asked)
        nodes |= {node.key: node for node in found}
        followed = {node.key for node in found if not node.is_shared} | (starts & asked)
        new = _edges(con, "from", followed)
        edges += new
        frontier = (frontier - asked) | ({edge.to_key for edge in new} - nodes.keys())
    return edges, nodes


def _kind_of(key: str) -> str:
    return key.partition(":")[0]


def _sharing(con: DuckDBPyConnection, keys: Collection[str]) -> dict[str, int]:
    """How many records lead to each of these directly."""
    query = "select to_key, count(*) from trace.trace_edges where {} group by to_key"
    return dict(_of_kinds(con, query, "to", keys))


def _edges(con: DuckDBPyConnection, side: str, keys: Collection[str]) -> list[Edge]:
    query = f"select {side}_key, {_EDGE} from trace.trace_edges where {{}}"
    edges = [Edge._make(row[1:]) for row in _of_kinds(con, query, side, keys)]
    return sorted(edges, key=itemgetter(0, 1))


def _nodes(con: DuckDBPyConnection, keys: Collection[str]) -> list[Node]:
    query = f"select {_NODE} from trace.trace_nodes where {{}}"
    return [Node._make(row) for row in _of_kinds(con, query, "", keys)]


def _aliases(con: DuckDBPyConnection, names: Collection[str]) -> list[tuple[str, str]]:
    if not names:
        return []
    found, values = _one_of(names)
    query = f"select alias, node_key from trace.trace_aliases where alias in ({found})"
    return con.sql(query, params=values).fetchall()


def _of_kinds(
    con: DuckDBPyConnection, query: str, side: str, keys: Collection[str]
) -> Iterator[tuple[Any, ...]]:
    """The rows of these records, whose keys stand first, by constant kinds.

    So only the tables of these kinds are read. Kinds are asked for together, for to plan a view
    costs more than to read it, but those of many records apart from those of few; and by all ids,
    since a condition for each kind would be tried on the rows of every other one.
    """
    kind_column, id_column = (f"{side}_kind", f"{side}_id") if side else ("kind", "record_id")
    wanted = set(keys)
    ids: dict[str, list[str]] = defaultdict(list)
    for key in sorted(wanted):
        kind, _, record_id = key.partition(":")
        ids[kind].append(record_id)
    kinds = sorted(ids, key=lambda kind: len(ids[kind]))
    sizes = accumulate(len(ids[kind]) for kind in kinds)
    few = sum(size <= _FEW for size in sizes)
    for some in filter(None, (kinds[:few], kinds[few:])):
        found, values = _one_of({one for kind in some for one in ids[kind]})
        asked = f"{kind_column} in ({_marks(some)}) and {id_column} in ({found})"
        # sql() would plan the view twice
        rows = con.execute(query.format(asked), [*some, *values]).fetchall()
        yield from (row for row in rows if row[0] in wanted)


def _one_of(texts: Collection[str]) -> tuple[str, list[Any]]:
    """SQL for a list and its parameters: few as constants, which reach each scan of a view."""
    if len(texts) <= _FEW:
        return _marks(texts), sorted(texts)
    return "select unnest(?::varchar[])", [sorted(texts)]


def _marks(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))
