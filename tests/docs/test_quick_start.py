"""A new user who follows docs/quick-start.md word by word, in a fresh clone, gets there.

TIEOUT_QUICK_START_VENV names an environment that is used in place of a new one, to save the time of
its installation.
"""

import os
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, session

PAGE = "docs/quick-start.md"
PROMISE = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("quick-start") / "tieout"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    if venv := os.environ.get("TIEOUT_QUICK_START_VENV"):
        _borrow(Path(venv), folder / ".venv")
    return folder


def _borrow(venv: Path, own: Path) -> None:
    """An environment with the packages of another one, which nothing here installs into."""
    own.mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (own / name).symlink_to(venv / name)
    (own / ".installed").touch()


def shell(clone):
    """As a new user has it: nothing is set that this run was given."""
    kept = {
        "HOME",
        "PATH",
        "LANG",
        "USER",
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_CONFIG_FILE",
    }
    environ = {name: value for name, value in os.environ.items() if name in kept}
    if "TIEOUT_QUICK_START_VENV" in os.environ:
        environ["PYTHONPATH"] = str(clone)
    return {**environ, "COLUMNS": "200"}


def promised(block, page: str) -> list[str]:
    """The lines that the page shows between a block and the next one."""
    after = page.split(block.code, 1)[1].split("```sh", 1)[0]
    return [line for shown in PROMISE.findall(after) for line in shown.splitlines()]


def as_told(line: str) -> re.Pattern[str]:
    """Any space is as good as another, and `...` stands for anything."""
    parts = [r"\s+".join(map(re.escape, part.split())) for part in line.split("...")]
    return re.compile(".*".join(parts))


def plain(text: str) -> str:
    """What was told, without the frames of tables."""
    return "\n".join(
        " ".join(re.sub(r"[^\x20-\x7e]", " ", line).split()) for line in text.splitlines()
    )


@pytest.mark.slow
def test_a_new_user_gets_there(clone):
    page = (clone / PAGE).read_text("utf-8")
    steps = session("quick-start")
    assert [step.page for step in steps] == [PAGE] * len(steps)
    try:
        for step in steps:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", step.code],
                cwd=clone,
                env=shell(clone),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{step.place}:\n{done.stdout}\n{done.stderr}"
            told = plain(done.stdout)
            for line in promised(step, page):
                found = as_told(line).search(told)
                assert found, f"{step.place} promises {line!r}, and says\n{told}"
                told = told[found.end() :]
    finally:
        subprocess.run(["bash", "-c", steps[-1].code], cwd=clone, env=shell(clone), check=False)


def test_the_page_promises_what_it_does_in_order():
    page = (ROOT / PAGE).read_text("utf-8")
    steps = session("quick-start")
    assert all(one.line < other.line for one, other in pairwise(steps))
    assert sum(bool(promised(step, page)) for step in steps) >= len(steps) - 2
    assert as_told("a ... b").search("x a 1 2  b")
    assert not as_told("3 corrections").search("2 corrections")
