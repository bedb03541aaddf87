"""The compare core beside SQL written by hand and beside other software, on the same two tables.

Two tables of invoices with twelve columns, of which a few rows differ. Tieout runs its own models
(totals, ids and rows of the comparison of invoices) and all rules over them, fingerprints
included; the others tell which rows differ in which columns. Each is a process of its own. Run by
`make bench-compare`; prints a table, writes `data/bench/compare.json` and `docs/performance.md`.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks.alone import alone
from benchmarks.page import PERFORMANCE, markdown, write_section
from orchestration.settings import load_settings
from reconcilers.engine import open_warehouse
from reconcilers.evaluate import evaluate
from reconcilers.matrix import load_matrix
from reconcilers.rates import Rate, Rates
from reconcilers.rules.catalogue import all_rules
from tests.peers.environments import PeerFailedError, PeerMissingError
from tests.peers.environments import run as run_peer
from tests.peers.programs.wire import peak_gigabytes

ROWS = 10_000_000
_SMALL = 1_000
DAY = date(2026, 6, 30)
KEY = "invoice_id"
COLUMNS = (
    "number",
    "status",
    "invoice_date",
    "due_date",
    "period",
    "legal_entity",
    "currency",
    "subtotal_minor",
    "tax_minor",
    "total_minor",
    "amount_due_minor",
)
PEERS = ("fastrecon", "fastrecon_hashing", "sqlmesh", "reladiff", "diffly", "datacompy")
_LONGEST_SECONDS = 900
_MODELS = ("unlike", "folded", "apart", "cmp")
_COMPARISON = "cmp_invoice__billing_vs_erp"

_TITLES = ("", "s", "CPU s", "peak, GB", "time, x by hand", "memory, x by hand", "rows that differ")
_HEADING = "The compare core"
_PAGE = """\
Written by `make bench-compare`: two tables of {rows} invoices with twelve columns, as Parquet files
(as tables of one DuckDB file for reladiff and sqlmesh), each racer alone in a process of its own.
By hand: a full outer join in DuckDB with a test per column. Tieout: the models of the comparison of
invoices and all rules over it, with fingerprints worked out inside the measured time, every pair
counted by what became of it, and drift valued.

{table}
"""

_BILLING = """
select
    'in_' || lpad(i::varchar, 14, '0') as invoice_id,
    'N-' || i as number,
    ['open', 'paid', 'void', 'partially_paid'][1 + (hash(i + 1) % 4)::int] as status,
    invoice_date,
    (invoice_date + 30)::date as due_date,
    strftime(invoice_date, '%Y-%m') as period,
    ['US', 'DE', 'UK'][1 + (hash(i + 3) % 3)::int] as legal_entity,
    ['USD', 'EUR', 'GBP'][1 + (hash(i + 3) % 3)::int] as currency,
    subtotal_minor,
    (subtotal_minor // 5)::bigint as tax_minor,
    (subtotal_minor + subtotal_minor // 5)::bigint as total_minor,
    (hash(i + 6) % 1000000)::bigint as amount_due_minor
from (
    select i, (date '2024-01-01' + (hash(i + 2) % 900)::int)::date as invoice_date,
        (hash(i + 4) % 1000000)::bigint as subtotal_minor
    from range({rows}) as numbers (i)
)
"""
# One of a thousand has another total, one another state; a few stand on one side only.
_ERP = """
select * replace (
    total_minor + if(hash(invoice_id || 'total') % 1000 = 0, 500, 0) as total_minor,
    if(hash(invoice_id || 'state') % 1000 = 0, 'written_off', status) as status,
    if(hash(invoice_id || 'unknown') % 2000 = 0, 'x' || invoice_id, invoice_id) as invoice_id
)
from billing
where hash(invoice_id || 'missing') % 2000 <> 0
order by hash(invoice_id)
"""
# What a night knows of invoices beyond the twelve columns says nothing here.
_CONFORMED = """
create view conformed.invoice__{role} as
select
    *, {internal} as erp_internal_id, null::varchar as canonical_customer_id,
    null::varchar as customer_id, null::varchar as correlation_id, null::timestamp as issued_at,
    null::timestamp as created_at, null::timestamp as status_changed_at, 1::bigint as line_count,
    false as is_manual, false as is_voided, hash({columns}) as fingerprint
from read_parquet('{file}')
"""
_COPIES = """
create view canonical.invoice_copies as
select
    erp.erp_internal_id, erp.invoice_id,
    case when erp.invoice_id like 'in%' then 'primary' else 'unsourced' end as copy_role,
    null::varchar as duplicate_of, null::varchar as duplicate_basis, erp.fingerprint
from conformed.invoice__erp as erp
"""
_BY_HAND = """
create temp table by_hand as
select * from (
    select
        coalesce(billing.{key}, erp.{key}) as {key}, billing.{key} is null as is_unknown,
        erp.{key} is null as is_missing, {tests}
    from read_parquet('{left}') as billing full join read_parquet('{right}') as erp using ({key})
)
where is_unknown or is_missing or {any}
"""


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    found: dict[str, dict[str, Any]] = {}
    room = load_settings().home / "bench"
    room.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tieout-", dir=room) as folder:
        home = Path(folder)
        tasks = [made(home / "small", _SMALL), made(home / "whole", rows)]
        for name, race in _racers(home, tasks).items():
            try:
                found[name] = race()
            except (PeerMissingError, PeerFailedError, subprocess.TimeoutExpired) as error:
                found[name] = {"missing": str(error).splitlines()[-1][:200]}
    table = Table(*_TITLES, title=f"{rows:,} rows")
    for row in _shown(found):
        table.add_row(*row)
    Console().print(table)
    if rows == ROWS:
        write_section(PERFORMANCE, _HEADING, _page(found, rows))
    told = json.dumps({"rows": rows, "racers": found}, indent=2)
    (room / "compare.json").write_text(told, encoding="utf-8")


def made(home: Path, rows: int) -> dict[str, Any]:
    """Both tables as Parquet files and in a DuckDB file; a task of where they are."""
    home.mkdir()
    task = {
        "folder": str(home),
        "left": str(home / "billing.parquet"),
        "right": str(home / "erp.parquet"),
        "database": str(home / "sides.duckdb"),
        "key": KEY,
        "columns": list(COLUMNS),
    }
    with duckdb.connect() as con:
        # in a format that the older engines of others can read
        con.execute(f"attach '{task['database']}' as sides (storage_version 'v1.2.0')")
        con.execute("use sides")
        con.execute(f"create table billing as {_BILLING.format(rows=rows)}")
        con.execute(f"create table erp as {_ERP}")
        con.execute(f"copy billing to '{task['left']}'")
        con.execute(f"copy erp to '{task['right']}'")
    return task


def _racers(
    home: Path, tasks: Sequence[Mapping[str, Any]]
) -> dict[str, Callable[[], dict[str, Any]]]:
    models = compiled(home)
    return {
        "by hand": lambda: alone(_measured, by_hand, tasks),
        "Tieout": lambda: alone(_measured, tieout, tasks, models),
        **{peer: lambda peer=peer: _peer(peer, tasks[-1]) for peer in PEERS},
    }


def _peer(tool: str, task: Mapping[str, Any]) -> dict[str, Any]:
    environment = tool.partition("_")[0]
    answer = run_peer(environment, "compare", {**task, "tool": tool}, seconds=_LONGEST_SECONDS)
    return dict(answer or {"missing": "killed"})


def compiled(home: Path) -> dict[str, str]:
    """The SQL of the comparison's models, as dbt writes it for a warehouse in this folder."""
    names = [_COMPARISON.replace("cmp", kind) for kind in _MODELS]
    dbt = Path(sys.executable).with_name("dbt")
    places = ["--project-dir", "dbt_project", "--profiles-dir", "dbt_project"]
    subprocess.run(  # noqa: S603 - our own dbt
        [dbt, "--quiet", "compile", "--select", *names, *places, "--target-path", home / "target"],
        check=True,
        capture_output=True,
        env={
            **os.environ,
            "TIEOUT_WAREHOUSE": str(home / "warehouse.duckdb"),
            "DBT_LOG_PATH": str(home / "logs"),
        },
    )
    found = (home / "target" / "compiled").rglob("*__billing_vs_erp.sql")
    return {file.stem: file.read_text("utf-8") for file in found if file.stem in names}


def _measured(
    work: Callable[..., int], tasks: Sequence[Mapping[str, Any]], *arguments: Any
) -> dict[str, Any]:
    """What the work on the last task needs; the first, smaller one loads what is loaded once."""
    small, task = tasks
    work(small, *arguments)
    begun, worked = time.perf_counter(), time.process_time()
    differing = work(task, *arguments)
    return {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - worked,
        "peak_gb": peak_gigabytes(),
        "differing": differing,
    }


def by_hand(task: Mapping[str, Any]) -> int:
    """A full outer join with a test per column."""
    tests = [f"billing.{name} is distinct from erp.{name} as is_{name}" for name in COLUMNS]
    query = _BY_HAND.format(
        tests=", ".join(tests), any=" or ".join(f"is_{name}" for name in COLUMNS), **task
    )
    with duckdb.connect(str(Path(task["folder"]) / "by_hand.duckdb")) as con:
        con.execute("set enable_progress_bar = false")
        con.execute(query)
        ((rows,),) = con.sql("select count(*) from by_hand").fetchall()
        return int(rows)


def tieout(task: Mapping[str, Any], models: Mapping[str, str]) -> int:
    """The comparison's models and all rules over it."""
    rules = all_rules(load_matrix("dbt_project/seeds/system_of_record.csv"), DAY)
    own = [rule for rule in rules if rule.over == _COMPARISON]
    path = Path(task["folder"]) / "warehouse.duckdb"
    with open_warehouse(path, read_only=False) as con:
        con.execute("set enable_progress_bar = false")
        _prepare(con, task)
        for kind in _MODELS:
            name = _COMPARISON.replace("cmp", kind)
            con.execute(f"create table comparison.{name} as {models[name]}")
        evaluate(
            con, own, DAY, rates=Rates(dict.fromkeys(("USD", "EUR", "GBP"), Rate(Decimal(1), 2)))
        )
        ((rows,),) = con.sql(f"select count(*) from comparison.{_COMPARISON}").fetchall()
        return int(rows)


def _prepare(con: duckdb.DuckDBPyConnection, task: Mapping[str, Any]) -> None:
    for schema in ("raw", "conformed", "canonical", "comparison", "staging"):
        con.execute(f"create schema if not exists {schema}")
    con.execute("create table raw.build as select ?::date as snapshot_date", [DAY])
    con.execute(
        "create table staging.stg_control__snapshots "
        "(system varchar, object varchar, watermark_at timestamp)"
    )
    con.execute(
        "create table comparison.cause_links (parent_comparison varchar, parent_key varchar, "
        "child_comparison varchar, child_key varchar)"
    )
    con.execute(
        "create table conformed.ledger_correction__erp (corrected_id varchar, kind varchar)"
    )
    con.execute(
        "create table comparison.delta_parts "
        "(comparison varchar, row_key varchar, part varchar, amount_minor bigint)"
    )
    for role, side, internal in (
        ("billing", "left", "null::varchar"),
        ("erp", "right", f"right({KEY}, 9)"),
    ):
        con.execute(
            _CONFORMED.format(
                role=role, file=task[side], internal=internal, columns=", ".join(COLUMNS)
            )
        )
    con.execute(_COPIES)


def _shown(found: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """A row per racer, the fastest first; what could not run last, with the reason."""
    by_hand = found["by hand"]
    ran = [name for name in found if "missing" not in found[name]]
    for name in sorted(ran, key=lambda each: found[each]["seconds"]):
        each = found[name]
        ratios = (each["seconds"] / by_hand["seconds"], each["peak_gb"] / by_hand["peak_gb"])
        numbers = (each["seconds"], each["cpu"], each["peak_gb"], *ratios)
        yield (name, *(f"{number:.2f}" for number in numbers), f"{each['differing']:,}")
    for name in found.keys() - set(ran):
        yield (name, "", "", "", "", "", found[name]["missing"])


def _page(found: Mapping[str, Mapping[str, Any]], rows: int) -> str:
    return _PAGE.format(rows=f"{rows:,}", table=markdown(_TITLES, _shown(found)))


if __name__ == "__main__":
    main()
