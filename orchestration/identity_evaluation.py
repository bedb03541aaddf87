"""Measure identity against a truth: generated trios of any size, or anybody's labelled CSV."""

import datetime as dt
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from extractors.sandbox.trios import build_trios
from orchestration.company_files import SHIPPED_SEEDS
from reconcilers.identity import REGISTRY_SCHEMA, resolve
from reconcilers.identity.intake import COLUMNS
from reconcilers.identity.model import Model
from reconcilers.identity.quality import Score, disagreements, score_pairs

DAY = dt.date(2026, 6, 30)
_NEEDED = ("system", "source_id")
_ROLES = ("crm", "billing", "erp")
_DEFAULT_ROLE = {"salesforce": "crm", "stripe": "billing", "netsuite": "erp"}


class LabelledFileError(ValueError):
    """A labelled file cannot be used; the message says which column or value, and why."""


@dataclass(frozen=True)
class IdentityEvaluation:
    """What was measured; `seconds` are of resolving alone, wall and CPU."""

    label: str
    records: int
    customers: int
    scores: tuple[Score, ...]
    disagreements: dict[str, int]
    masked_recall: float | None
    queue: int
    seconds: float
    cpu_seconds: float
    peak_gigabytes: float

    def as_dict(self) -> dict[str, Any]:
        return {
            **self.__dict__,
            "scores": [score.as_dict() for score in self.scores],
        }


def evaluate_trios(seed: int, companies: int, model: Model | None = None) -> IdentityEvaluation:
    with bench() as con:
        load_trios(con, seed, companies)
        return _evaluated(con, f"trios of seed {seed}, {companies} companies", model)


def evaluate_files(records: Path, truth: Path, model: Model | None = None) -> IdentityEvaluation:
    """Raises LabelledFileError."""
    with bench() as con:
        load_records(con, records)
        _load_truth(con, truth)
        return _evaluated(con, records.name, model)


@contextmanager
def bench(
    memory_limit: str = "6GB", database: str = ":memory:"
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A new warehouse with nothing in it but what identity reads beside the records."""
    with tempfile.TemporaryDirectory() as spill, duckdb.connect(database) as con:
        # else it would spill into a folder `.tmp` of whoever calls
        con.execute(f"set temp_directory = '{spill}'")
        con.execute(
            f"set memory_limit = '{memory_limit}'; create schema raw; "
            "create schema identity; create schema seeds"
        )
        con.execute("create table raw.build as select ?::date as snapshot_date", [DAY])
        seed = SHIPPED_SEEDS / "free_mail_domains.csv"
        con.execute(
            f"create table seeds.free_mail_domains as from read_csv('{seed}', header = true)"
        )
        yield con


def load_trios(con: duckdb.DuckDBPyConnection, seed: int, companies: int) -> None:
    build_trios(con, seed, companies)
    con.execute("create table identity.identity_records as from trio_record")
    con.execute("create table identity.truth as from trio_truth")
    for (name,) in con.sql(
        "select table_name from information_schema.tables where table_name like 'trio_%'"
    ).fetchall():
        con.execute(f"drop table temp.{name}")


def load_records(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    frame = pl.read_csv(path, infer_schema=False)
    missing = [name for name in _NEEDED if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in COLUMNS]
    if missing or unknown:
        raise LabelledFileError(
            f"{path.name}: missing columns {missing}, unknown columns {unknown}; "
            f"system and source_id are needed, and any of {', '.join(COLUMNS)}."
        )
    if "role" not in frame.columns:
        role = pl.col("system").replace_strict(_DEFAULT_ROLE, default=None, return_dtype=pl.String)
        frame = frame.with_columns(role.alias("role"))
    strange = frame.filter(~pl.col("role").is_in(_ROLES).fill_null(value=False))
    if not strange.is_empty():
        raise LabelledFileError(
            f"{path.name}: {strange.height} records have no role of "
            f"{', '.join(_ROLES)}; the first is "
            f"{strange['system'][0]} {strange['source_id'][0]}."
        )
    twice = frame.filter(pl.struct(_NEEDED).is_duplicated())
    if not twice.is_empty():
        raise LabelledFileError(f"{path.name}: {twice['source_id'][0]} stands there twice.")
    con.register("_records", frame)
    con.execute("create table identity.identity_records as from _records")
    con.unregister("_records")


def _load_truth(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    frame = pl.read_csv(path, infer_schema=False)
    needed = (*_NEEDED, "entity_id")
    if missing := [name for name in needed if name not in frame.columns]:
        raise LabelledFileError(
            f"{path.name}: missing columns {missing}; system, source_id and entity_id are needed, "
            "records of one customer carrying one entity_id."
        )
    con.register("_truth", frame.select(needed))
    con.execute("create table identity.truth as from _truth")
    con.unregister("_truth")


def _evaluated(
    con: duckdb.DuckDBPyConnection, label: str, model: Model | None
) -> IdentityEvaluation:
    clock, cpu = time.perf_counter(), time.process_time()
    result = resolve(con, "none.csv", pl.DataFrame(schema=REGISTRY_SCHEMA), DAY, model=model)
    seconds, cpu_seconds = time.perf_counter() - clock, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    labelled = beside_truth(con, result.placed)
    return IdentityEvaluation(
        label=label,
        records=result.summary.records,
        customers=result.summary.customers,
        scores=(
            score_pairs(labelled, "host", "domain join by hand"),
            score_pairs(labelled, "customer", "crosswalk"),
            score_pairs(labelled, "auto", "band auto"),
            score_pairs(
                labelled, "customer", "crosswalk, doubles within a system too", across=False
            ),
        ),
        disagreements=disagreements(labelled),
        masked_recall=result.summary.measures.masked_recall,
        queue=result.summary.measures.queue,
        seconds=round(seconds, 2),
        cpu_seconds=round(cpu_seconds, 2),
        peak_gigabytes=round(peak, 2),
    )


# What teams write by hand: the host of the web or mail address, less the mailboxes of the public.
_BY_HAND = r"""
with said as (
    select system, source_id, regexp_replace(regexp_extract(
        lower({address}), '^(?:[a-z]+://)?(?:[^/@]*@)?([^/:?#]+)', 1), '^www\.', '') as host
    from identity.identity_records
)
select truth.*, case when host <> '' and host not in (select domain from seeds.free_mail_domains)
    then host end as host
from identity.truth as truth
left join said using (system, source_id)
"""


def beside_truth(con: duckdb.DuckDBPyConnection, placed: pl.DataFrame) -> pl.DataFrame:
    """The truth beside what was found: columns host, customer, auto."""
    present = con.sql("select * from identity.identity_records limit 0").columns
    named = [name for name in ("website", "email") if name in present]
    address = f"coalesce({', '.join(named)})" if named else "null::varchar"
    found = placed.select(
        *_NEEDED, pl.col("cluster").alias("customer"), pl.col("auto_cluster").alias("auto")
    )
    truth = con.sql(_BY_HAND.format(address=address)).pl()
    return truth.join(found, on=_NEEDED, how="left")
