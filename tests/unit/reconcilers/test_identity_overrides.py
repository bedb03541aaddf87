"""The stewards' file: what is read, what lapses, and what is refused."""

from datetime import date

import pytest

from reconcilers.identity import OverridesError
from reconcilers.identity.overrides import Overrides, load_overrides
from tests.comparison_tables import DAY, ROOT

HEADER = "action,left_system,left_id,right_system,right_id,reason,decided_by,decided_on,expires_on"


def loaded(folder, *lines, header=HEADER, day=DAY):
    path = folder / "overrides.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return load_overrides(path, day)


def refused(folder, *lines, header=HEADER):
    with pytest.raises(OverridesError) as caught:
        loaded(folder, *lines, header=header)
    return [(mistake.line, mistake.column) for mistake in caught.value.mistakes]


def line(action, left, right="", decided="2026-05-01", expires=""):
    right_system = "stripe" if right else ""
    return f"{action},stripe,{left},{right_system},{right},because,kim,{decided},{expires}"


def test_no_file_means_no_decisions(tmp_path):
    assert load_overrides(tmp_path / "none.csv", DAY) == Overrides()


def test_the_shipped_file_is_sound():
    assert load_overrides(ROOT / "reconcilers/identity/overrides.csv", DAY) == Overrides()


def test_the_order_of_lines_and_sides_does_not_matter(tmp_path):
    lines = [line("link", "B", "A"), line("never_link", "C", "D"), line("link", "C", "B")]
    straight = loaded(tmp_path, *lines)
    assert straight == loaded(tmp_path, *reversed(lines))
    assert straight.links == (
        (("stripe", "A"), ("stripe", "B")),
        (("stripe", "B"), ("stripe", "C")),
    )


def test_salesforce_ids_are_kept_as_they_are_compared(tmp_path):
    found = loaded(tmp_path, "primary,salesforce,001A000001LkJhGIAV,,,why,kim,2026-05-01,")
    assert found.primary == (("salesforce", "001A000001LkJhG"),)


@pytest.mark.parametrize(
    ("day", "count", "expired"),
    [
        (date(2026, 4, 30), 0, 0),  # not yet decided
        (date(2026, 5, 1), 1, 0),
        (date(2026, 6, 30), 1, 0),
        (date(2026, 7, 1), 0, 1),
    ],
)
def test_a_decision_holds_from_its_day_to_its_expiry(tmp_path, day, count, expired):
    found = loaded(tmp_path, line("link", "A", "B", expires="2026-06-30"), day=day)
    assert (len(found.links), found.expired) == (count, expired)


def test_unknown_columns_are_refused(tmp_path):
    assert refused(tmp_path, header=HEADER + ",colour") == [(1, "colour")]


def test_all_mistakes_are_told_at_once(tmp_path):
    assert refused(
        tmp_path,
        "merge,stripe,A,stripe,B,why,kim,2026-05-01,",
        "link,hubspot,A,stripe,B,,kim,yesterday,",
    ) == [(2, "action"), (3, "decided_on"), (3, "left_system"), (3, "reason")]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        (line("link", "A"), "right_id"),
        (line("primary", "A", "B"), "right_id"),
        (line("link", "A", "A"), "right_id"),
        (line("link", "A", "B", decided="2026-02-30"), "decided_on"),
        (line("link", "A", "B", expires="2026-02-30"), "expires_on"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(tmp_path, text, column):
    assert (2, column) in refused(tmp_path, text)


def test_a_contradiction_names_all_lines_that_make_it(tmp_path):
    lines = [
        line("link", "A", "B"),
        line("link", "X", "Y"),
        line("link", "C", "B"),
        line("never_link", "C", "A"),
    ]
    with pytest.raises(OverridesError, match="contradicts the link in line 2, 4") as caught:
        loaded(tmp_path, *lines)
    assert [mistake.line for mistake in caught.value.mistakes] == [5]


def test_a_decision_that_lapsed_contradicts_nothing(tmp_path):
    found = loaded(
        tmp_path, line("link", "A", "B", expires="2026-05-31"), line("never_link", "A", "B")
    )
    assert (len(found.links), len(found.never), found.expired) == (0, 1, 1)
