"""State stores, nights and plans for tests of what happens after detection."""

import os
import secrets
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from sqlalchemy import create_engine, text

from reconcilers.corrections.outbox import store_plan
from reconcilers.corrections.plan import plan
from reconcilers.corrections.plan_context import PlanContext
from reconcilers.corrections.policy import Policy, load_policy
from reconcilers.life import NightFact, Sighting, fold
from reconcilers.sealing import Seals
from reconcilers.state import State, open_state
from reconcilers.state.tieouts import SCHEMA as TIEOUTS
from reconcilers.state.tieouts import record_tieouts
from tests.drift_samples import DAY

SEALS = Seals(["c2VhbHMgb2YgdGhlIHNhbXBsZXMsIGZvciB0ZXN0cy4="])


@cache
def _empty_store() -> bytes:
    """A SQLite file with its tables: making them takes as long as many a test."""
    with TemporaryDirectory() as folder:
        open_state(f"sqlite:///{folder}/state.db").close()
        return Path(folder, "state.db").read_bytes()


def fresh_state(folder: Path) -> State:
    """An empty state store: SQLite in the folder, or, where TIEOUT_TEST_DATABASE names a PostgreSQL
    database, a schema of its own there."""
    url = os.environ.get("TIEOUT_TEST_DATABASE")
    if url is None:
        file = folder / "state.db"
        if not file.exists():
            file.write_bytes(_empty_store())
        return open_state(str(file))
    schema = f"test_{secrets.token_hex(8)}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    engine.dispose()
    return open_state(f"{url}?options=-csearch_path%3D{schema}")


def night(number: int) -> date:
    return DAY + timedelta(days=number)


def at(number: int, hour: int = 2) -> datetime:
    """The instant at which the night `number` days after DAY is read."""
    return datetime(2026, 7, 1, hour, tzinfo=UTC) + timedelta(days=number)


def plan_into(
    state: State,
    found: pl.DataFrame,
    facts: PlanContext,
    moment: datetime | None = None,
    *,
    policy: Policy | None = None,
    on: date = DAY,
) -> None:
    """Plan drift that opened on a night, under the policy that is shipped, and store the plan."""
    life = fold([NightFact(on)], [Sighting(on, "exception", "cmp")])
    lives = dict.fromkeys(found["exception_key"].cast(pl.String), life)
    planned = plan(found, (), lives, facts, policy or load_policy(), seals=SEALS)
    store_plan(state, planned, lives, on, moment)


def tie_out(state: State, on: date, *, holds: bool = True) -> None:
    """Record one tie-out of a night, which holds or breaks by one row."""
    left, right = ("stripe.invoice", 2), ("landed", 2 if holds else 1)
    row = {
        "code": "TO-EXT",
        "scope": "stripe.invoice",
        "left_label": left[0],
        "left_rows": left[1],
        "right_label": right[0],
        "right_rows": right[1],
        "unexplained_rows": left[1] - right[1],
        "holds": holds,
    }
    record_tieouts(state, on, pl.DataFrame([row], schema=TIEOUTS))
