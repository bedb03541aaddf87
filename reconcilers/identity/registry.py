"""Canonical ids that stay: a customer keeps the id that most of its records had before.

An id names one customer at a time. One that is given up redirects for ever; one that loses records
to another leaves a row that says so. New ids are made of the anchor record's name, so that nights
run again from nothing give the same ids.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import count

import polars as pl

# What identity is told of the past: the last assignment of each record before the night, since when
# it stands, and when the record was first seen.
REGISTRY_SCHEMA = {
    "system": pl.String,
    "source_id": pl.String,
    "canonical_customer_id": pl.String,
    "first_seen_date": pl.Date,
    "since_date": pl.Date,
}
ALIAS_SCHEMA = {
    "old_id": pl.String,
    "new_id": pl.String,
    "kind": pl.String,
    "records": pl.Int64,
    "snapshot_date": pl.Date,
}
EVENT_SCHEMA = {
    "snapshot_date": pl.Date,
    "kind": pl.String,
    "canonical_customer_id": pl.String,
    "other_id": pl.String,
    "records": pl.Int64,
}

# Which role anchors a customer, strongest first.
ANCHOR_RANK = {"erp": 0, "crm": 1, "billing": 2}


@dataclass(frozen=True)
class History:
    """What a night changes in the registry: rows to be added, none to be rewritten."""

    assignments: pl.DataFrame
    aliases: pl.DataFrame
    events: pl.DataFrame


def assign_ids(nodes: pl.DataFrame) -> pl.DataFrame:
    """The canonical id of each cluster: columns cluster, canonical_customer_id.

    `nodes` has cluster, own_id, previous_id (null = never seen), is_id_owner (a steward's word) and
    a unique rank, which orders the records by the strength of their claim.
    """
    claims = (
        nodes.drop_nulls("previous_id")
        .group_by("cluster", "previous_id")
        .agg(pl.len().alias("records"), pl.col("rank").min(), pl.col("is_id_owner").any())
    )
    alone = claims.filter(pl.col("cluster").is_unique() & pl.col("previous_id").is_unique())
    disputed = claims.join(alone, on=["cluster", "previous_id"], how="anti")
    kept = _settled(disputed.sort("is_id_owner", "records", "rank", descending=[True, True, False]))
    settled = pl.concat([_ids(kept), alone.select("cluster", pl.col("previous_id").alias(_ID))])
    anchors = nodes.sort("rank").unique("cluster", keep="first", maintain_order=True)
    new = anchors.join(settled, on="cluster", how="anti")
    return pl.concat([settled, _new_ids(new, nodes["previous_id"].drop_nulls())])


_ID = "canonical_customer_id"


def _ids(assigned: dict[int, str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"cluster": list(assigned), _ID: list(assigned.values())},
        schema={"cluster": pl.Int32, _ID: pl.String},
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


def _new_ids(anchors: pl.DataFrame, taken: pl.Series) -> pl.DataFrame:
    """Ids for customers that have none; only those whose own name is taken are looked at singly."""
    is_taken = pl.col("own_id").is_in(taken.unique().implode()) | ~pl.col("own_id").is_unique()
    free = anchors.filter(~is_taken).select("cluster", pl.col("own_id").alias(_ID))
    clashing = anchors.filter(is_taken)
    used = {*taken, *free[_ID]} if clashing.height else set()
    return pl.concat([free, _ids(dict(_rehashed_ids(clashing, used)))])


def _rehashed_ids(anchors: pl.DataFrame, taken: Collection[str]) -> Iterator[tuple[int, str]]:
    """New ids; one that is in use already is hashed again until it is free."""
    used = set(taken)
    for cluster, own_id in anchors.select("cluster", "own_id").iter_rows():
        candidates = (own_id if n == 0 else _rehashed(own_id, n) for n in count())
        free = next(each for each in candidates if each not in used)
        used.add(free)
        yield cluster, free


def _rehashed(own_id: str, times: int) -> str:
    return "cus_" + hashlib.sha256(f"{own_id}|{times}".encode()).hexdigest()[:20]


def changes(crosswalk: pl.DataFrame, registry: pl.DataFrame, day: date) -> History:
    """What this crosswalk does to the ids of `registry`, the last assignments before the day."""
    before = registry.select("system", "source_id", pl.col(_ID).alias("old_id"))
    known = crosswalk.select("system", "source_id", pl.col(_ID).alias("new_id")).join(
        before, on=["system", "source_id"], how="left"
    )
    moved = known.filter(pl.col("old_id").is_not_null() & (pl.col("old_id") != pl.col("new_id")))
    fresh = known.filter(pl.col("old_id").is_null() | (pl.col("old_id") != pl.col("new_id")))
    live = known["new_id"].unique()
    aliases = _aliases(moved, live, day)
    return History(
        fresh.select(
            "system", "source_id", pl.col("new_id").alias(_ID), pl.lit(day).alias("snapshot_date")
        ),
        aliases,
        _events(known, registry, aliases, live, day),
    )


def _aliases(moved: pl.DataFrame, live: pl.Series, day: date) -> pl.DataFrame:
    """From each id that records left to the id that they have now."""
    is_live = pl.col("old_id").is_in(live.implode())
    return (
        moved.group_by("old_id", "new_id")
        .agg(pl.len().cast(pl.Int64).alias("records"))
        .with_columns(
            pl.when(is_live).then(pl.lit("split")).otherwise(pl.lit("merged")).alias("kind"),
            pl.lit(day).alias("snapshot_date"),
        )
        .select(ALIAS_SCHEMA.keys())
        .sort("old_id", "new_id")
    )


def _events(
    known: pl.DataFrame, registry: pl.DataFrame, aliases: pl.DataFrame, live: pl.Series, day: date
) -> pl.DataFrame:
    ids_before = registry[_ID].unique()
    minted = known.filter(~pl.col("new_id").is_in(ids_before.implode()))
    # Only ids of records that stood there the night before can go; long gone ones went long ago.
    gone = registry.filter(
        ~pl.col(_ID).is_in(live.implode()) & ~pl.col(_ID).is_in(aliases["old_id"].implode())
    )
    told = [
        _counted(minted, "new_id", "minted", day),
        _counted(gone, _ID, "gone", day),
        aliases.select(
            "snapshot_date",
            "kind",
            pl.col("old_id").alias(_ID),
            pl.col("new_id").alias("other_id"),
            "records",
        ),
    ]
    return pl.concat(told).sort("kind", _ID, "other_id")


def _counted(rows: pl.DataFrame, column: str, kind: str, day: date) -> pl.DataFrame:
    return (
        rows.group_by(pl.col(column).alias(_ID))
        .agg(pl.len().cast(pl.Int64).alias("records"))
        .with_columns(
            pl.lit(day).alias("snapshot_date"),
            pl.lit(kind).alias("kind"),
            pl.lit(None, pl.String).alias("other_id"),
        )
        .select(EVENT_SCHEMA.keys())
    )


def current_ids(aliases: pl.DataFrame, live: Collection[str]) -> pl.DataFrame:
    """Each id that no record has any more and the id that leads on from it: old_id, current_id."""
    onward = _onward(aliases)
    given_up = sorted(onward.keys() - set(live))
    now = [_followed(each, live, onward) for each in given_up]
    return pl.DataFrame(
        {"old_id": given_up, "current_id": now},
        schema={"old_id": pl.String, "current_id": pl.String},
    )


def current_id(canonical_id: str, live: Collection[str], aliases: pl.DataFrame) -> str | None:
    """The id under which a customer is known now; None for an id that was never given up or given.

    An id that is in use names itself; else the newest redirects are followed to one that is.
    """
    return _followed(canonical_id, live, _onward(aliases))


def _onward(aliases: pl.DataFrame) -> Mapping[str, list[str]]:
    """From each id that records left to those that they went to, the newest redirect first."""
    newest = aliases.sort("snapshot_date", "records", "new_id", descending=[True, True, False])
    onward: dict[str, list[str]] = {}
    for old_id, new_id in newest.select("old_id", "new_id").iter_rows():
        onward.setdefault(old_id, []).append(new_id)
    return onward


def _followed(
    canonical_id: str, live: Collection[str], onward: Mapping[str, list[str]]
) -> str | None:
    seen: set[str] = set()
    at = canonical_id
    while at not in live:
        seen.add(at)
        unseen = [each for each in onward.get(at, ()) if each not in seen]
        if not unseen:
            return None
        at = unseen[0]
    return at
