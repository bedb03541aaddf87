"""Whether the suite would notice: sources with one fault each, and the test that has to fail."""

from dataclasses import dataclass, field, replace

import polars as pl
import pytest

from tests.conformance import test_failing, test_reading, test_resuming
from tests.conformance.benches import HAS_EVERYTHING
from tests.conformance.proof import Through
from tests.conformance.reading import Reading

SYSTEMS = (HAS_EVERYTHING,)


class LosesTheEndOfPages(Through):
    async def proceed(self, spec, bookmark):
        page = await self.source.proceed(spec, bookmark)
        return replace(page, records=page.records[:-1])


class ForgetsWhereToGoOn(Through):
    async def begin(self, spec, cursor_from, *, keys_only=False):
        start = await self.source.begin(spec, cursor_from, keys_only=keys_only)
        return replace(start, page=replace(start.page, rest=start.page.rest[:-1]))


class MissesChanges(Through):
    async def begin(self, spec, cursor_from, *, keys_only=False):
        start = await self.source.begin(spec, cursor_from, keys_only=keys_only)
        if start.mode == "full":
            return start
        return replace(start, page=replace(start.page, records=(), rest=()))


class ReadsEverythingAgain(Through):
    async def begin(self, spec, cursor_from, *, keys_only=False):
        start = await self.source.begin(spec, None, keys_only=keys_only)
        return replace(start, mode="full" if cursor_from is None else "incremental")


class SeesNoDeletions(Through):
    async def begin(self, spec, cursor_from, *, keys_only=False):
        start = await self.source.begin(spec, cursor_from, keys_only=keys_only)
        return replace(start, page=replace(start.page, tombstones=()))

    async def proceed(self, spec, bookmark):
        return replace(await self.source.proceed(spec, bookmark), tombstones=())


@dataclass
class RemembersBookmarks(Through):
    """What it knows of a place stays in the process."""

    places: list = field(default_factory=list)

    async def begin(self, spec, cursor_from, *, keys_only=False):
        start = await self.source.begin(spec, cursor_from, keys_only=keys_only)
        return replace(start, page=self._kept(start.page))

    async def proceed(self, spec, bookmark):
        return self._kept(await self.source.proceed(spec, self.places[bookmark["place"]]))

    def _kept(self, page):
        first = len(self.places)
        self.places.extend(page.rest)
        return replace(page, rest=[{"place": at} for at in range(first, len(self.places))])


class RoundsAmounts(Through):
    async def proceed(self, spec, bookmark):
        return _rounded(await self.source.proceed(spec, bookmark))

    async def begin(self, spec, cursor_from, *, keys_only=False):
        start = await self.source.begin(spec, cursor_from, keys_only=keys_only)
        return replace(start, page=_rounded(start.page))


def _rounded(page):
    if isinstance(page.records, pl.DataFrame):
        return page
    records = [{k: _round(v) for k, v in record.items()} for record in page.records]
    return replace(page, records=records)


def _round(value):
    try:
        return f"{float(value):.1f}" if isinstance(value, str) and "." in value else value
    except ValueError:
        return value


@dataclass
class Faulty(Reading):
    """A night with a source that has a fault."""

    fault: type[Through] = Through

    def extract(self, *names, through=lambda source: source, **how):
        return super().extract(*names, through=lambda one: through(self.fault(one)), **how)


CASES = [
    (LosesTheEndOfPages, test_reading.test_a_full_read_lands_exactly_the_true_rows),
    (ForgetsWhereToGoOn, test_resuming.test_bookmarks_are_text_and_say_all_that_is_needed),
    (MissesChanges, test_reading.test_the_next_night_brings_every_change_and_little_else),
    (MissesChanges, test_reading.test_what_changes_in_the_second_of_the_read_is_not_lost),
    (ReadsEverythingAgain, test_reading.test_the_next_night_brings_every_change_and_little_else),
    (SeesNoDeletions, test_reading.test_deletions_are_seen_by_the_means_that_the_connector_has),
    (RoundsAmounts, test_reading.test_a_full_read_lands_exactly_the_true_rows),
    (LosesTheEndOfPages, test_failing.test_an_ended_session_is_renewed_once),
]


@pytest.mark.parametrize(("fault", "test"), CASES)
def test_a_fault_is_noticed(bench, tmp_path, fault, test):
    faulty = Faulty(bench, tmp_path / "raw", fault)
    with pytest.raises(AssertionError):
        test(faulty)


def test_bookmarks_that_only_the_process_understands_are_noticed(bench, tmp_path):
    faulty = Faulty(bench, tmp_path / "raw", RemembersBookmarks)

    class Interrupted(Through):
        async def proceed(self, *_):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        faulty.extract(through=Interrupted)
    with pytest.raises(IndexError):
        faulty.extract()
