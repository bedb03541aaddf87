"""What the documentation says of the code is what the code says."""

import re
from pathlib import Path

import pytest

from extractors.registry import READ
from orchestration.connections import variables
from orchestration.reference_pages import filled
from reconcilers.corrections.policy import Mode
from reconcilers.corrections.states import CorrectionState
from reconcilers.matrix_file import CONFLICT_RULES, STATUSES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = {str(page.relative_to(DOCS)): page.read_text("utf-8") for page in DOCS.rglob("*.md")}
MADE = sorted(name for name, text in PAGES.items() if "<!-- made: " in text)
CONNECTED = {"salesforce", "stripe", "netsuite", "bank-statements"}
# A file or folder of the project, as running text names it.
NAMED = re.compile(
    r"`((?:reconcilers|extractors|orchestration|dbt_project|tests|benchmarks)/[\w/.-]+)`"
)


@pytest.mark.parametrize("page", MADE)
def test_what_is_made_from_the_code_is_current(page):
    assert filled(PAGES[page]) == PAGES[page], "run `make docs-reference`"


def test_every_page_of_a_system_says_what_is_read_and_written():
    assert {f"connect/{name}.md" for name in CONNECTED} | {"commands.md", "targets.md"} <= {*MADE}


@pytest.mark.parametrize("system", READ)
def test_the_page_of_a_system_names_every_variable_that_connects_it(system):
    name = "bank-statements" if system == "bank" else system
    text = PAGES[f"connect/{name}.md"]
    assert [each for each in variables(system) if each not in text] == []
    for count in re.findall(r"all (\d+) objects can be read", text):
        assert int(count) == len(READ[system])


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_the_project_that_a_page_names_exists(page):
    named = [each.rstrip("/.") for each in NAMED.findall(PAGES[page])]
    assert [each for each in named if not (ROOT / each).exists()] == []


def test_the_matrix_page_explains_every_word_of_the_matrix():
    text = PAGES["system-of-record.md"]
    assert re.findall(r"^\| ([A-Z]+) \|", text, re.MULTILINE) == [*CONFLICT_RULES]
    assert [each for each in STATUSES if f"`{each.replace('_', ' ')}`" not in text] == []


def test_the_page_of_corrections_knows_every_mode_and_state():
    text = PAGES["corrections.md"]
    words = [each.value for each in (*Mode, *CorrectionState)]
    assert [word for word in words if word not in text] == []
