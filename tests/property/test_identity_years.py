"""Ids that stay, over nights on which a company lives: no id changes without leaving word."""

import random
from datetime import timedelta
from itertools import count

import duckdb
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from extractors.sandbox.trios import build_trios
from reconcilers.identity import resolve
from reconcilers.identity.registry import current_id
from tests.comparison_tables import DAY
from tests.effort import examples
from tests.identity_records import NO_HISTORY, account, billed, identities, ledgered, remembered
from tests.property.test_identity_laws import Alike

# A seed says nothing that could be made smaller.
GENERATED = (Phase.explicit, Phase.reuse, Phase.generate)
MAKERS = {"A": account, "B": billed, "E": ledgered}
FIELDS = {
    "tax_id": ("T1", "T2", "T3", None),
    "country_code": ("DE", "US", None),
    "website": ("a.com", "b.de", None),
    "legal_name": ("acme", "acme leasing", "umbrella", "initech", None),
    "postal_code": ("10115", "94103", None),
    "legal_entity": ("DE", "US", None),
}
REFERENCES = {"xref_crm_id": "A", "xref_billing_id": "B", "xref_erp_id": "E", "parent_id": "A"}


class Town:
    """A few dozen customer records and what happens to them, the same for the same seed."""

    def __init__(self, seed, size):
        self.rng = random.Random(seed)
        self.numbers = count()
        self.rows = {}
        self.gone = {}
        self.decisions = {}
        for _ in range(size):
            self.enter()

    def live(self, most):
        """One night's events: how many, and which, is drawn."""
        events = (
            self.enter, self.rename, self.rename, self.refer, self.refer, self.retire, self.leave,
            self.come_back, self.decide,
        )  # fmt: skip
        for _ in range(self.rng.randint(0, most)):
            self.rng.choice(events)()

    def enter(self):
        letter = self.rng.choice("ABBE")
        row = MAKERS[letter](f"{letter}{next(self.numbers)}")
        self.rows[row["source_id"]] = row
        for name in FIELDS:
            self.set(row, name)
        self.refer(row)

    def set(self, row, name):
        if name != "legal_entity" or row["role"] == "erp":
            row[name] = self.rng.choice(FIELDS[name])

    def rename(self):
        if self.rows:
            self.set(self.any(), self.rng.choice(tuple(FIELDS)))

    def refer(self, row=None):
        """A record names another, names it no more, or names one that never was."""
        if not self.rows:
            return
        row = row or self.any()
        name = self.rng.choice(tuple(REFERENCES))
        others = [key for key in self.rows if key[0] == REFERENCES[name]]
        row[name] = self.rng.choice([*others, *others, "Z0", None])

    def retire(self):
        if self.rows:
            row = self.any()
            row["is_active"] = not row["is_active"]

    def leave(self):
        if len(self.rows) > 2:
            row = self.any()
            self.gone[row["source_id"]] = self.rows.pop(row["source_id"])

    def come_back(self):
        if self.gone:
            key = self.rng.choice(tuple(self.gone))
            self.rows[key] = self.gone.pop(key)

    def decide(self):
        """A steward keeps two records apart; no chain of links can contradict that."""
        left, right = sorted((self.any()["source_id"], self.any()["source_id"]))
        if left != right:
            self.decisions[left, right] = "never_link"

    def any(self):
        return self.rng.choice(tuple(self.rows.values()))

    def overrides(self, path):
        header = "action,left_system,left_id,right_system,right_id,reason,decided_by,decided_on,expires_on"
        systems = {"A": "salesforce", "B": "stripe", "E": "netsuite"}
        lines = [
            f"{action},{systems[left[0]]},{left},{systems[right[0]]},{right},seen,kim,2026-01-01,"
            for (left, right), action in self.decisions.items()
        ]
        path.write_text("\n".join([header, *lines]), encoding="utf-8")
        return path


def night(rows, overrides, registry, day):
    con = identities(rows, day)
    result = resolve(con, overrides, registry, day, scorer=Alike())
    return con.sql("from identity.crosswalk order by system, source_id").pl(), result


def live_through(seed, size, nights, path):
    """The laws, checked on each night of a town's life."""
    town = Town(seed, size)
    registry, seen = NO_HISTORY, []
    for number in range(nights):
        day = DAY + timedelta(days=number)
        overrides = town.overrides(path)
        crosswalk, result = night(town.rows.values(), overrides, registry, day)
        replayed, repeated = night(
            town.rng.sample(sorted(town.rows.values(), key=str), len(town.rows)),
            overrides, registry, day,
        )  # fmt: skip
        assert crosswalk.equals(replayed)
        assert result.history.events.equals(repeated.history.events)
        assert moved(crosswalk, registry) == told(result.history.aliases)
        seen.append(result.history.aliases)
        registry = remembered(registry, result)
        town.live(most=max(2, size // 4))
    live = set(crosswalk["canonical_customer_id"])
    aliases = pl.concat(seen)
    for given_up in set(aliases["old_id"]) - live:
        now = current_id(given_up, live, aliases)
        assert now is None or now in live


def moved(crosswalk, registry):
    """From which id to which the known records went that night."""
    both = crosswalk.join(registry, on=["system", "source_id"], suffix="_before")
    ids = both.select("canonical_customer_id_before", "canonical_customer_id")
    return {(before, now) for before, now in ids.iter_rows() if before != now}


def told(aliases):
    return set(aliases.select("old_id", "new_id").iter_rows())


@given(seed=st.integers(0, 10**6))
@settings(max_examples=1, deadline=None, phases=GENERATED)
def test_over_some_nights_no_id_changes_without_an_alias(tmp_path_factory, seed):
    live_through(seed, 12, 4, tmp_path_factory.mktemp("steward") / "overrides.csv")


@pytest.mark.slow
@given(seed=st.integers(0, 10**6), size=st.integers(4, 60))
@settings(max_examples=examples(6), deadline=None, phases=GENERATED)
def test_over_thirty_nights_no_id_changes_without_an_alias_and_a_replay_repeats_each(
    tmp_path_factory, seed, size
):
    live_through(seed, size, 30, tmp_path_factory.mktemp("steward") / "overrides.csv")


COMPANIES = 1500
# Of 1000 records 10 are edited, 5 go and 10 come.
EDITED = """
select * replace (
    case when hash(source_id, ?) % 100 = 0 then legal_name || ' Holding' else legal_name end as legal_name,
    case when hash(source_id, ?) % 100 = 0 then null else website end as website)
from identity.identity_records
where hash(source_id, ?, 'gone') % 200 <> 0
"""
NEW = "from trio_record where hash(source_id, ?, 'new') % 100 = 0"


@pytest.mark.slow
@given(seed=st.integers(1, 10**6))
@settings(max_examples=2, deadline=None, phases=GENERATED)
def test_a_night_of_usual_edits_changes_the_id_of_at_most_three_in_a_thousand(seed):
    """On companies as a model card knows them, by the shipped model."""
    with duckdb.connect() as con:
        con.execute("create schema raw; create schema identity; create schema seeds")
        con.execute("create table raw.build as select ?::date as snapshot_date", [DAY])
        build_trios(con, seed, COMPANIES)
        con.execute("create table identity.identity_records as from trio_record")
        first = resolve(con, "none.csv", NO_HISTORY, DAY)
        registry = remembered(NO_HISTORY, first)
        con.register("edited", con.sql(EDITED, params=[seed] * 3).pl())
        build_trios(con, seed + 1, COMPANIES)
        new = con.sql(NEW, params=[seed]).pl()
        con.register("new", new.with_columns(pl.col("source_id") + "x"))
        con.execute("create or replace table identity.identity_records as from edited")
        con.execute("insert into identity.identity_records by name from new")
        con.execute("update raw.build set snapshot_date = ?", [DAY + timedelta(days=1)])
        again = resolve(con, "none.csv", registry, DAY + timedelta(days=1))
    survivors = again.summary.records - again.summary.new_records
    assert survivors > 0.9 * first.summary.records
    assert again.summary.changed_records <= 0.003 * survivors
