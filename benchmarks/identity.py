"""What identity costs a night, beside the blocking join that teams write by hand, in the same run.

Two nights over the same records: a first one that knows nothing, and one that remembers all ids.
Run by `make bench-identity`; prints a table and writes `data/bench/identity.json`.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
from rich.console import Console
from rich.table import Table

from benchmarks.alone import alone
from orchestration.identity_evaluation import DAY, bench, beside_truth, load_trios
from orchestration.settings import load_settings
from reconcilers.engine import open_warehouse
from reconcilers.identity import History, resolve
from reconcilers.identity.quality import score_pairs
from reconcilers.identity.registry import EVENT_SCHEMA
from reconcilers.identity.tables import publish_aliases
from reconcilers.state import open_state
from reconcilers.state.registry import load_aliases, load_registry, record_identities

SIZES = (100_000, 1_000_000)
SEED = 7

# Pairs of two systems that share a host, or the start of the name and the postcode, with the
# likeness of their names: what a good afternoon brings. It decides nothing and joins nobody.
BY_HAND = r"""
create temp table by_hand as
with said as (
    select
        system, source_id,
        lower(regexp_replace(legal_name, '[^A-Za-z0-9]+', ' ', 'g')) as name,
        regexp_replace(regexp_extract(lower(coalesce(website, email)),
            '^(?:[a-z]+://)?(?:[^/@]*@)?([^/:?#]+)', 1), '^www\.', '') as host,
        postal_code
    from identity.identity_records
),
keyed as (
    select *, 'host ' || host as key from said
    where host <> '' and host not in (select domain from seeds.free_mail_domains)
    union all
    select *, 'name ' || name[:4] || postal_code from said
)
select distinct l.system, l.source_id, r.system as other_system, r.source_id as other_id,
    jaro_winkler_similarity(l.name, r.name) as likeness
from keyed as l
join keyed as r on l.key = r.key and l.system < r.system
where jaro_winkler_similarity(l.name, r.name) > 0.85
"""

MERGED = """
select distinct 'cus_' || left(sha256(canonical_customer_id), 20) as old_id,
    canonical_customer_id as new_id, 'merged' as kind, 1 as records, ?::date as snapshot_date
from identity.crosswalk where hash(canonical_customer_id) % 10 = 0
"""


def made(home: Path, companies: int) -> int:
    """Make the warehouse of the night before identity runs; how many records it has."""
    with bench(database=str(home / "warehouse.duckdb")) as con:
        con.execute("set enable_progress_bar = false")
        load_trios(con, SEED, companies)
        ((records,),) = con.sql("select count(*) from identity.identity_records").fetchall()
        return int(records)


def by_hand(home: Path) -> float:
    """Seconds of the hand-written join."""
    with _warehouse(home) as con:
        begun = time.perf_counter()
        con.execute(BY_HAND)
        return time.perf_counter() - begun


def night(home: Path, day: date) -> dict[str, float]:
    """What a night does for identity: seconds of each step, and the peak of all of them."""
    took: dict[str, float] = {}
    state = open_state(str(home / "state.db"))
    with _warehouse(home) as con:
        con.execute("update raw.build set snapshot_date = ?", [day])
        with _timed(took, "load registry"):
            registry = load_registry(state, day)
        with _timed(took, "resolve"):
            result = resolve(con, home / "none.csv", registry, day)
        with _timed(took, "save registry"):
            record_identities(state, day, result.history)
        with _timed(took, "publish aliases"):
            publish_aliases(con, load_aliases(state), result.placed)
        took["peak, GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        labelled = beside_truth(con, result.placed)
    state.close()
    return took | {"F1": score_pairs(labelled, "customer", "crosswalk").f1}


def remember_mergers(home: Path, day: date) -> None:
    """As after years: of ten customers one was two before, known by an id that was given up."""
    state = open_state(str(home / "state.db"))
    with _warehouse(home) as con:
        aliases = con.sql(MERGED, params=[day]).pl()
    nothing = pl.DataFrame(schema=EVENT_SCHEMA)
    record_identities(state, day, History(pl.DataFrame(), aliases, nothing))
    state.close()


@contextmanager
def _timed(took: dict[str, float], step: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    took[f"{step}, s"] = time.perf_counter() - wall
    took[f"{step}, s of CPU"] = time.process_time() - cpu


@contextmanager
def _warehouse(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """As a night opens it, under the memory limit of nights."""
    path, limit = home / "warehouse.duckdb", load_settings().memory_limit
    with open_warehouse(path, read_only=False, memory_limit=limit) as con:
        con.execute("set enable_progress_bar = false")  # a child process counts as interactive
        yield con


def measured(companies: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        records = alone(made, home, companies)
        yardstick = alone(by_hand, home)
        first = alone(night, home, DAY)
        alone(remember_mergers, home, DAY - timedelta(days=1))
        second = alone(night, home, DAY + timedelta(days=1))
    told = {
        "companies": companies,
        "records": records,
        "join by hand, s": yardstick,
        "ratio of resolve to it": first["resolve, s"] / yardstick,
        **{f"first night: {step}": value for step, value in first.items()},
        **{f"second night: {step}": value for step, value in second.items()},
    }
    return {name: round(value, 4) for name, value in told.items()}


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or list(SIZES)
    found = [measured(size) for size in sizes]
    table = Table(title="Identity beside a blocking join written by hand")
    for column in ("", *map(str, sizes)):
        table.add_column(column, justify="right" if column else "left")
    for name in found[0]:
        table.add_row(name, *(f"{each[name]:.8g}" for each in found))
    Console().print(table)
    target = load_settings().home / "bench" / "identity.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
