"""Files of CloudEvents: a night's events in order, the same bytes whenever they are written."""

import datetime as dt
import json
import shutil

import duckdb
import pyarrow as pa
import pytest

from reconcilers.events.log import EVENTS_FILE, EventLog
from reconcilers.events.publish import export_day, export_missing, read_events
from tests.wire.test_events_sink import ALL, DAYS, PER_DAY, write_log


@pytest.fixture
def log(tmp_path):
    return write_log(tmp_path / "log")


def test_a_night_is_one_file_of_its_events_in_order(log, tmp_path):
    path, count = export_day(log, tmp_path / "exports", DAYS[1])
    assert (path.name, count) == ("2026-06-30.jsonl.zst", PER_DAY)
    with pa.CompressedInputStream(str(path), "zstd") as file:
        assert [json.loads(line)["id"] for line in file.read().splitlines()] == ALL[PER_DAY:]


def test_written_again_it_has_the_same_bytes_and_nothing_is_left_beside_it(log, tmp_path):
    path, _ = export_day(log, tmp_path / "exports", DAYS[0])
    before = path.read_bytes()
    path.write_text("half a fi")
    export_day(log, tmp_path / "exports", DAYS[0])
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_night_that_the_log_does_not_have_is_refused(log, tmp_path):
    with pytest.raises(LookupError, match="2026-07-04"):
        export_day(log, tmp_path / "exports", dt.date(2026, 7, 4))


def test_a_night_writes_what_one_that_was_killed_left_unwritten(log, tmp_path):
    folder = tmp_path / "exports"
    assert export_missing(log, folder, DAYS[1]) == {DAYS[0]: PER_DAY, DAYS[1]: PER_DAY}
    (folder / "2026-06-29.jsonl.zst").unlink()  # its receiver took it away
    assert export_missing(log, folder, DAYS[1]) == {DAYS[1]: PER_DAY}
    assert export_missing(log, folder, dt.date(2026, 7, 4)) == {}


def test_a_log_that_is_gathered_anew_is_written_anew(log, tmp_path):
    folder = tmp_path / "exports"
    export_missing(log, folder, DAYS[1])
    shutil.move(log.folder(DAYS[1]), tmp_path / "later")
    export_missing(log, folder, DAYS[0])
    (folder / "2026-06-30.jsonl.zst").unlink()
    shutil.move(tmp_path / "later", log.folder(DAYS[1]))
    assert export_missing(log, folder, dt.date(2026, 7, 1)) == {DAYS[1]: PER_DAY}


def test_events_are_read_from_any_place_of_the_log(log, tmp_path):
    assert [event["event_id"] for event in read_events(log, after=PER_DAY - 1)] == ALL[
        PER_DAY - 1 :
    ]
    assert list(read_events(EventLog(tmp_path / "nothing"))) == []


def test_what_lies_before_the_place_is_not_even_read(log):
    """A log grows for years: a night that has something to send must not go through all of it."""
    old = log.folder(DAYS[0]) / EVENTS_FILE
    old.write_bytes(b"PAR1" + bytes(200) + old.read_bytes()[204:])  # its footer is whole
    assert [event["event_id"] for event in read_events(log, after=PER_DAY)] == ALL[PER_DAY:]
    # Arrow tells it, where DuckDB had begun to answer
    with pytest.raises((duckdb.Error, OSError), match="Invalid data"):
        list(read_events(log, after=PER_DAY - 1))
