"""What is read goes on after a kill: bookmarks are all there is to know."""

import multiprocessing
import random

import pytest

from tests.conformance.proof import Written, assert_same, read_until_death

DEATHS = 5


def test_bookmarks_are_text_and_say_all_that_is_needed(reading):
    sources = []

    def written(source):
        sources.append(Written(source))
        return sources[-1]

    reading.extract(through=written)
    assert sources[0].seen, "the probe of a workbench has several pages"
    assert_same(reading.rows(), reading.bench.rows(reading.bench.probe), reading.spec.key)


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_page_nothing_is_lost_or_doubled(reading, seed):
    bench, chance = reading.bench, random.Random(seed)
    processes = multiprocessing.get_context("forkserver")
    deaths = 0
    while reading.raw.published(bench.system, bench.probe, bench.day()) is None:
        pages = 1 if not deaths else chance.randint(1, 3) if deaths < DEATHS else 10_000
        arguments = (bench.config(), reading.home, bench.day(), bench.probe, pages)
        process = processes.Process(target=read_until_death, args=arguments)
        process.start()
        process.join(60)
        assert process.exitcode in {0, 9}, process.exitcode
        deaths += process.exitcode == 9
    manifest = reading.raw.published(bench.system, bench.probe, bench.day())
    assert deaths
    assert manifest.landed == len(bench.rows(bench.probe))
    assert_same(reading.rows(), bench.rows(bench.probe), reading.spec.key)
