"""What benchmarks write: their own section of a page, and how a cost grows."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.page import markdown, write_section
from benchmarks.scale import growth

PAGE = "# Performance\n\nWhat was measured.\n\n## One\n\nold\n\n## Two\n\nstays\n"


@pytest.fixture
def page(tmp_path):
    file = tmp_path / "performance.md"
    file.write_text(PAGE)
    return file


def test_a_section_takes_the_place_of_what_stood_there_and_leaves_the_others(page):
    write_section(page, "One", "new\n\n")
    assert page.read_text() == PAGE.replace("old", "new")


def test_a_new_section_comes_last_and_is_written_once(page):
    for _ in range(2):
        write_section(page, "Three", markdown(["", "s"], [["step", "1.0"]]))
    assert page.read_text() == f"{PAGE}\n## Three\n\n|  | s |\n| --- | ---: |\n| step | 1.0 |\n"


@given(st.floats(0.5, 2), st.floats(0.01, 100))
def test_a_cost_that_is_a_power_of_the_records_grows_by_that_power(power, factor):
    sizes = [SimpleNamespace(records=records) for records in (1_000, 30_000, 10**6)]
    seconds = [factor * size.records**power for size in sizes]
    assert growth(sizes, seconds) == pytest.approx(power)


def test_nothing_is_said_of_growth_by_one_size():
    assert growth([SimpleNamespace(records=1_000)], [3.0]) is None
