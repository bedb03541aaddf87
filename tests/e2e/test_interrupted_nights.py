"""A night that is killed anywhere and started again ends like one that was left alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from extractors.sandbox import control
from tests.e2e.conftest import start_company

pytestmark = pytest.mark.slow

TIEOUT = Path(sys.executable).with_name("tieout")
# What stands on disk once the step before the kill has begun to leave its mark.
MOMENTS_TO_DIE = {
    "while extracting": lambda home: any((home / "raw" / "stripe").glob("*")),
    "after loading": lambda home: (home / "warehouse.duckdb").exists(),
    "inside dbt": lambda home: (home / "dbt" / "logs").exists(),
    "after dbt": lambda home: (home / "state.db").exists(),
    "at the report": lambda home: any((home / "reports").glob("*/*")),
}


def killed_night(home: Path, is_time: object) -> None:
    environ = {**os.environ, "TIEOUT_HOME": str(home), "TIEOUT_ACTOR": "controller"}
    with subprocess.Popen(
        [TIEOUT, "nightly"],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as night:
        while night.poll() is None and not is_time(home):
            time.sleep(0.02)
        if night.poll() is None:
            os.killpg(night.pid, signal.SIGKILL)


def test_killed_at_any_step_and_started_again_it_ends_the_same(tmp_path):
    calm = start_company(tmp_path / "calm")
    calm.night()
    control.down(calm.settings.sandbox_dir)
    restless = start_company(tmp_path / "restless")
    for is_time in MOMENTS_TO_DIE.values():
        killed_night(restless.settings.home, is_time)
    restless.night()
    control.down(restless.settings.sandbox_dir)
    assert restless.memory() == calm.memory()
