"""A fortnight of nights, and the same fortnight replayed from the raw zone."""

import datetime as dt

import pytest

from extractors.sandbox import control
from orchestration.night import run_backfill
from tests.e2e.conftest import start_company

pytestmark = pytest.mark.slow
DAYS = 14


def test_a_backfill_gives_each_day_what_its_night_gave(tmp_path):
    company = start_company(tmp_path, plants=("INV-AMT-01", "SUB-STAT-01"))
    first = company.day
    for day in range(DAYS):
        if day:
            control.advance(company.settings.sandbox_dir, 1)
        if day == 5:
            control.plant(company.settings.sandbox_dir, "INV-MISS-01", 1, seed=9)
        company.night()
    nights = company.memory()
    control.down(company.settings.sandbox_dir)
    company.settings.warehouse_path.unlink()
    (company.settings.home / "state.db").unlink()

    last = first + dt.timedelta(days=DAYS - 1)
    results = list(run_backfill(company.settings, first, last))

    assert all(result.ok for result in results)
    assert company.memory() == nights
