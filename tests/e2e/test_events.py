"""Business events over several nights: gathered night by night, and gathered again from the raw zone."""

import asyncio
import shutil

import duckdb
import pytest

from extractors.protocol import WriteIntent
from extractors.registry import open_target
from extractors.sandbox import control
from orchestration.night import run_backfill, run_night
from orchestration.settings import load_settings
from tests.e2e.conftest import Company

pytestmark = pytest.mark.slow
NIGHTS = 3


def amend(company: Company, line_id: str, quantity: int) -> None:
    """What a salesperson does in the CRM, which keeps a history of it."""
    intent = WriteIntent(
        "update",
        "Contract_Line__c",
        line_id,
        {"Quantity__c": quantity},
        f"{line_id}-{quantity}",
        "test",
    )

    async def write() -> None:
        async with open_target(company.settings.system_config("salesforce")) as crm:
            await crm.write(intent)

    asyncio.run(write())


def lines_in_force(company: Company) -> list[tuple[str, str, int]]:
    """Lines of won contracts with their contract and quantity."""
    with duckdb.connect(str(company.settings.warehouse_path), read_only=True) as con:
        return con.sql(
            "select contract_line_id, lines.contract_id, quantity from canonical.contract_lines as lines "
            "join canonical.contracts as contracts using (contract_id) "
            "where contracts.is_won and contracts.status = 'activated' order by 1"
        ).fetchall()


def logged(company: Company) -> list[tuple]:
    """The whole event log, every column, in its order."""
    files = str(company.settings.event_log_dir / "detected_date=*" / "events.parquet")
    with duckdb.connect() as con:
        return con.sql(
            f"select * from read_parquet('{files}', hive_partitioning = false) order by sequence"
        ).fetchall()


def published(company: Company) -> dict[str, bytes]:
    """The log and what middleware gets of it, byte for byte."""
    root = company.settings.home
    files = [
        *company.settings.event_log_dir.rglob("*.parquet"),
        *company.settings.event_exports_dir.glob("*.jsonl.zst"),
    ]
    return {str(file.relative_to(root)): file.read_bytes() for file in sorted(files)}


@pytest.fixture(scope="module")
def gathered(tmp_path_factory):
    """Nights with drift planted and a contract amended between them."""
    settings = load_settings({"TIEOUT_HOME": str(tmp_path_factory.mktemp("events"))})
    control.up(settings.sandbox_dir, seed=31, customers=80)
    company = Company(settings)
    first = company.day
    company.night()
    (line_id, contract_id, quantity), *_ = lines_in_force(company)
    days = [first]
    for number in range(1, NIGHTS):
        control.plant(settings.sandbox_dir, "SUB-QTY-01", 1, seed=number)
        control.plant(settings.sandbox_dir, "INV-MISS-01", 1, seed=number)
        if number < NIGHTS - 1:
            amend(company, line_id, quantity + number)
        control.advance(settings.sandbox_dir, 1)
        days.append(company.day)
        company.night()
    control.down(settings.sandbox_dir)
    return company, days, contract_id


def test_every_night_adds_its_events_behind_the_last_and_none_twice(gathered):
    company, days, _ = gathered
    rows = logged(company)
    assert [row[5] for row in rows] == list(range(1, len(rows) + 1))
    assert len({row[0] for row in rows}) == len(rows)
    assert sorted({row[3] for row in rows}) == days
    assert all(row[2] <= row[4] for row in rows), "nothing is seen before it happens"


def test_what_changed_is_told_with_before_and_after(gathered):
    company, days, contract_id = gathered
    rows = [row for row in logged(company) if row[3] > days[0]]
    amended = [row for row in rows if row[1] == "contract_amended" and row[8] == contract_id]
    assert [row[3] for row in amended] == days[1 : NIGHTS - 1]
    assert all("quantity" in row[16] and row[16] != row[17] for row in amended)
    changed = [row for row in rows if row[1] == "subscription_changed"]
    assert {row[3] for row in changed} == set(days[1:])
    assert all(row[16] != row[17] for row in changed)


def test_a_night_that_is_run_again_and_an_older_one_add_nothing(gathered):
    company, days, _ = gathered
    before = published(company)
    for day in (days[0], days[-1]):
        assert run_night(company.settings, day).ok
        assert published(company) == before


def test_a_history_that_is_rebuilt_equals_the_one_that_was_gathered(gathered):
    company, days, _ = gathered
    rows, files = logged(company), published(company)
    company.settings.warehouse_path.unlink()
    (company.settings.home / "state.db").unlink()
    shutil.rmtree(company.settings.event_log_dir)
    shutil.rmtree(company.settings.event_exports_dir)

    assert all(result.ok for result in run_backfill(company.settings, days[0], days[-1]))

    assert logged(company) == rows
    assert published(company) == files
