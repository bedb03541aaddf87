"""How long identity takes beside the blocking join that teams write by hand, in the same run.

Run by `make bench-identity`; prints a table and writes `data/bench/identity.json`.
"""

import json
import sys
import time
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.identity_evaluation import bench, evaluate_trios, load_trios
from orchestration.settings import load_settings

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


def by_hand(companies: int) -> float:
    """Seconds of the hand-written join."""
    with bench() as con:
        load_trios(con, SEED, companies)
        return _seconds(con)


def _seconds(con: duckdb.DuckDBPyConnection) -> float:
    begun = time.perf_counter()
    con.execute(BY_HAND)
    return time.perf_counter() - begun


def measured(companies: int) -> dict[str, Any]:
    yardstick = by_hand(companies)
    found = evaluate_trios(SEED, companies)
    crosswalk = next(score for score in found.scores if score.name == "crosswalk")
    return {
        "companies": companies,
        "records": found.records,
        "by hand, s": round(yardstick, 1),
        "identity, s": found.seconds,
        "identity, s of CPU": found.cpu_seconds,
        "ratio": round(found.seconds / yardstick, 1),
        "peak, GB": found.peak_gigabytes,
        "F1": round(crosswalk.f1, 4),
    }


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or list(SIZES)
    rows = [measured(size) for size in sizes]
    table = Table(*rows[0], title="Identity beside a blocking join written by hand")
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console().print(table)
    target = load_settings().home / "bench" / "identity.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
