"""Every command in the documentation is one that exists; which blocks are run is told here."""

import pytest

from tests.docs.blocks import blocks, commands, mentioned, mistake

BLOCKS = blocks()
# Who runs a session: test_quick_start.py, and test_sessions.py for all others.
LEAST_REASON = 10


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.place}-{block.how}")
def test_a_block_says_how_it_is_treated_and_every_command_in_it_exists(block):
    assert block.how, f"{block.place}: put <!-- run: SESSION --> or <!-- parse: REASON --> before"
    assert block.how == "run" or len(block.what) >= LEAST_REASON, "say why it is not run"
    assert [wrong for one in commands(block.code) if (wrong := mistake(one))] == []


def test_every_command_in_the_running_text_exists():
    wrong = [
        f"{page}: {problem}"
        for page, text in mentioned()
        for one in commands(text)
        if (problem := mistake(one, in_part=True))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "line",
    [
        "tieout nightli",
        "tieout corrections approve ID --coment x",
        "tieout backfill --from DAY",
        "tieout waive KEY",
        "make nigthly",
        "make report DAI=2026-06-30",
        "python -m benchmarks.nothing",
        "python -m benchmarks.fidelity --seeed 3",
        "pytest tests/nowhere",
        "rm -rf /",
    ],
)
def test_a_command_that_does_not_exist_is_told(line):
    assert all(mistake(one) for one in commands(line))


def test_what_is_read_of_a_block():
    code = "A=1 tieout nightly   # comment\nmake a && make b | cat > x\ntieout report \\\n  DAY\n"
    assert list(commands(code)) == [
        ["tieout", "nightly"],
        ["make", "a"],
        ["make", "b"],
        ["cat"],
        ["tieout", "report", "DAY"],
    ]
