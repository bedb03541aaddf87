"""Held-back records as a person meets them: listed with reasons, retried after a fix."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from extractors.journal import Agreement, Begun
from extractors.protocol import Page, SourceTotals
from extractors.raw_tables import load_current
from extractors.raw_zone import RawZone
from extractors.registry import SOURCES
from extractors.schema_drift import Schema

DAY = date(2026, 3, 1)
AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
PRODUCT = SOURCES["stripe"]["product"]


def product(key, **values):
    base = {"id": key, "name": "Seats", "active": True, "created": 1, "metadata": {"sku": "S"}}
    return {**base, **values}


@pytest.fixture
def home(tmp_path):
    """A day that was read when a product's name was still required."""
    strict = replace(
        PRODUCT,
        fields=tuple(
            replace(one, required=one.required or one.column == "name") for one in PRODUCT.fields
        ),
    )
    landing = RawZone(tmp_path / "raw").landing("stripe", strict, DAY)
    landing.restart()
    agreement = Agreement(None, keys_only=False, api_version="test", schema_hash="hash")
    begun = Begun(agreement, "full", AT, SourceTotals(), Schema({}), [])
    records = [product("prod_1"), product("prod_2", name=None), product("prod_3", created=None)]
    landing.begin(begun, Page(AT, records))
    landing.publish(SourceTotals())
    build(tmp_path)
    return tmp_path


def build(home):
    with duckdb.connect(home / "warehouse.duckdb") as con:
        load_current(con, home / "raw", DAY)
        return con.sql("select id from raw.stripe__product order by id").fetchall()


def tieout(home, *arguments):
    command = [Path(sys.executable).with_name("tieout"), *arguments]
    environ = {**os.environ, "TIEOUT_HOME": str(home)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_what_is_held_back_is_listed_with_its_reason(home):
    result = tieout(home, "quarantine", "list")
    assert result.returncode == 0, result.stderr
    assert "name: required, but missing" in result.stdout
    assert "created: required, but missing" in result.stdout
    assert "2 records are held back" in result.stdout
    assert "Seats" not in result.stdout
    assert '"name": "Seats"' in tieout(home, "quarantine", "list", "--payloads").stdout
    assert "0 records" in tieout(home, "quarantine", "list", "--system", "netsuite").stdout


def test_a_retry_lands_what_keeps_the_contract_of_today(home):
    result = tieout(home, "quarantine", "retry")
    assert result.returncode == 0, result.stderr
    assert "1 records landed, 1 are held back" in result.stdout
    assert "tieout backfill --from 2026-03-01" in result.stdout
    assert build(home) == [("prod_1",), ("prod_2",)]
    assert "1 records are held back" in tieout(home, "quarantine", "list").stdout
    assert "0 records landed, 1 are held back" in tieout(home, "quarantine", "retry").stdout


def test_before_the_first_night_there_is_nothing_to_list(tmp_path):
    result = tieout(tmp_path, "quarantine", "list")
    assert result.returncode != 0
    assert "Run a night first" in result.stderr
