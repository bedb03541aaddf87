"""What pages show of the work with a night works: their blocks are run, page by page, as written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, blocks, session

# What has to be there before the first page: a company, drift in it, and its night.
PRELUDE = """
.venv/bin/tieout sandbox up --customers 60
.venv/bin/tieout sandbox plant INV-MISS-01 --count 3
.venv/bin/tieout nightly
"""
ALONE = {"sealing"}


def run(folder: Path, code: str, place: str) -> None:
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TIEOUT_HOME": str(folder / "home"),
        "TIEOUT_ACTOR": "dana",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{place}:\n{done.stdout}\n{done.stderr}"


@pytest.fixture
def folder(tmp_path):
    """Where the commands of the pages are found, as in a clone, and nothing else is."""
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    return tmp_path


@pytest.mark.parametrize("name", sorted(ALONE))
def test_blocks_that_need_no_company_work(folder, name):
    for block in session(name):
        run(folder, block.code, block.place)


@pytest.mark.slow
def test_blocks_that_work_with_a_night_work(folder):
    try:
        run(folder, PRELUDE, "the prelude")
        for block in session("work"):
            run(folder, block.code, block.place)
    finally:
        run(folder, ".venv/bin/tieout sandbox down", "the end")


def test_every_session_is_run_by_somebody():
    named = {block.what for block in blocks() if block.how == "run"}
    assert named == {"quick-start", "work", *ALONE}
