"""The pages of the classes of drift say what rules and policy say."""

from pathlib import Path

import pytest

from orchestration.class_pages import SEEN, known, meanings, seen
from reconcilers.corrections.policy import load_policy
from reconcilers.rules.codes import CODES
from tests.comparison_tables import rules_over

PAGES = Path(__file__).parents[2] / "docs" / "drift"


@pytest.mark.parametrize("code", CODES)
def test_a_page_is_what_the_rules_and_the_policy_say(code):
    written = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    wanted = known(code, rules_over(), load_policy())
    assert written.partition(SEEN)[0].rstrip() == wanted.rstrip(), "run `make drift-pages`"


def test_the_index_lists_every_class_once():
    lines = (PAGES / "README.md").read_text(encoding="utf-8").splitlines()
    listed = [line.split("](")[0].removeprefix("| [") for line in lines if line.startswith("| [")]
    assert listed == list(CODES)


def test_every_class_has_its_three_texts():
    assert set(meanings()) == set(CODES)
    assert {frozenset(text) for text in meanings().values()} == {
        frozenset({"means", "found", "todo"})
    }


def test_what_a_night_shows_is_a_row_of_a_table():
    row = ("INV-AMT-01", "tax", "stripe", "in_1", "total", "1|0", None, -1250, "S3")
    assert "| `tax` | stripe `in_1` | total | 1\\|0 |  | -12.50 | S3 |" in seen([row]).splitlines()
