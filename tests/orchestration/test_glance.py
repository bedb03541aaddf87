"""A look into the warehouse gives way to a night, and never keeps one waiting."""

import threading
import time

import duckdb
import pytest
from filelock import FileLock

from orchestration import glance as looking
from orchestration.glance import NoLookError, glance
from orchestration.resources import LOOKING_SECONDS
from orchestration.settings import load_settings


@pytest.fixture
def settings(tmp_path):
    made = load_settings({"TIEOUT_HOME": str(tmp_path)})
    duckdb.connect(str(made.warehouse_path)).close()
    return made


def test_nobody_looks_while_a_night_runs(settings):
    with (
        FileLock(settings.lock_path),
        pytest.raises(NoLookError, match="a night is running"),
        glance(settings),
    ):
        pass
    with glance(settings) as con:
        assert con.sql("select 1").fetchall() == [(1,)]


def test_before_the_first_night_it_is_said_that_there_is_nothing(settings):
    settings.warehouse_path.unlink()
    with pytest.raises(NoLookError, match="no warehouse yet"), glance(settings):
        pass


def test_a_look_that_takes_long_is_ended_and_gives_the_lock_back(settings, monkeypatch):
    monkeypatch.setattr(looking, "LONGEST_SECONDS", 0.05)
    with pytest.raises(NoLookError, match="was ended"), glance(settings) as con:
        con.sql("select count(*) from range(10_000_000) a, range(10_000_000) b").fetchall()
    with FileLock(settings.lock_path, timeout=0):
        pass


def test_a_look_is_ended_also_when_its_time_is_over_between_two_queries(settings, monkeypatch):
    monkeypatch.setattr(looking, "LONGEST_SECONDS", 0.05)

    def look():
        with glance(settings) as con:
            time.sleep(0.2)
            con.sql("select count(*) from range(50_000) a, range(50_000) b where a.range + b.range = 7"
                    ).fetchall()  # fmt: skip

    with pytest.raises(NoLookError, match="was ended"):
        look()


def test_nobody_waits_in_line_for_a_look(settings):
    """Looks in line would take the lock one after the other, in front of a night that waits."""
    told = []

    def look():
        try:
            with glance(settings):
                told.append("looked")
        except NoLookError as error:
            told.append(str(error))

    other = threading.Thread(target=look)
    with glance(settings):
        other.start()
        other.join(5)
        in_time = [*told]
    other.join()
    assert in_time == ["another page is looking into it: look again in a moment"]


def test_a_night_waits_longer_than_a_look_may_take():
    assert looking.LONGEST_SECONDS < LOOKING_SECONDS
