"""Canonical ids that stay: a customer keeps the id under which its records were first seen."""

import hashlib
from collections.abc import Collection, Iterator
from itertools import count

import polars as pl

# What the registry remembers: the first assignment of each record. It is never rewritten, so that a
# night that is replayed gives what it gave.
REGISTRY_SCHEMA = {
    "system": pl.String,
    "source_id": pl.String,
    "canonical_customer_id": pl.String,
    "first_seen_date": pl.Date,
}

# Which role anchors a customer, strongest first.
ANCHOR_RANK = {"erp": 0, "crm": 1, "billing": 2}


def assign_ids(nodes: pl.DataFrame) -> pl.DataFrame:
    """The canonical id of each cluster: columns cluster, canonical_customer_id.

    `nodes` has cluster, own_id, previous_id (null = never seen) and a unique rank, which orders the
    records by the strength of their claim. An id goes to one cluster only, the strongest claim
    first; a cluster without a claim takes the id that its anchor's name hashes to.
    """
    kept = _settled(nodes.drop_nulls("previous_id").sort("rank"))
    anchors = nodes.sort("rank").unique("cluster", keep="first", maintain_order=True)
    new = anchors.filter(~pl.col("cluster").is_in(list(kept)))
    taken = {*kept.values(), *nodes["previous_id"].drop_nulls()}
    fresh = dict(_fresh(new, taken))
    assigned = kept | fresh
    return pl.DataFrame(
        {"cluster": list(assigned), "canonical_customer_id": list(assigned.values())},
        schema={"cluster": pl.Int64, "canonical_customer_id": pl.String},
    )


def _settled(claims: pl.DataFrame) -> dict[int, str]:
    """Ids by cluster for claims in the order of their strength."""
    by_cluster: dict[int, str] = {}
    given: set[str] = set()
    for cluster, previous_id in claims.select("cluster", "previous_id").iter_rows():
        if cluster not in by_cluster and previous_id not in given:
            by_cluster[cluster] = previous_id
            given.add(previous_id)
    return by_cluster


def _fresh(anchors: pl.DataFrame, taken: Collection[str]) -> Iterator[tuple[int, str]]:
    """New ids; one that is in use already is hashed again until it is free."""
    used = set(taken)
    for cluster, own_id in anchors.select("cluster", "own_id").iter_rows():
        candidates = (own_id if n == 0 else _rehashed(own_id, n) for n in count())
        free = next(each for each in candidates if each not in used)
        used.add(free)
        yield cluster, free


def _rehashed(own_id: str, times: int) -> str:
    return "cus_" + hashlib.sha256(f"{own_id}|{times}".encode()).hexdigest()[:20]
