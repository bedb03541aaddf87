"""A night that is killed anywhere and started again ends like one that was left alone."""

import os
import signal
import subprocess
import sys

import pytest

from extractors.sandbox import control
from orchestration.screen import STEP_NAMES
from tests.e2e.conftest import start_company

pytestmark = pytest.mark.slow

# Starts the night as `tieout nightly` does, and kills itself so many seconds after a step began.
NIGHT = """
import os, signal, sys, threading
from orchestration.evaluate import reconcilable_day
from orchestration.night import run_night
from orchestration.progress import listening
from orchestration.settings import load_settings

step, seconds = sys.argv[1], float(sys.argv[2])

def die(name, event):
    if (name, event) == (step, "STEP_START"):
        threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()

settings = load_settings()
with listening(die):
    run_night(settings, reconcilable_day(settings))
"""
# In the midst of the long steps, at the very beginning of the short ones.
SECONDS_INTO = {
    "extract_netsuite": 0.5,
    "raw__tables": 0.3,
    "models_before_identity": 4.0,
    "models_after_identity": 4.0,
    "reconcile": 0.5,
}


def killed_night(home, step):
    """The exit code of a night that is killed in a step; what it started may live on."""
    environ = {**os.environ, "TIEOUT_HOME": str(home), "TIEOUT_ACTOR": "controller"}
    command = [sys.executable, "-c", NIGHT, step, str(SECONDS_INTO.get(step, 0.0))]
    with (home / "killed.log").open("ab") as log:
        return subprocess.run(command, env=environ, stdout=log, stderr=log, check=False).returncode


def test_killed_in_each_step_and_started_again_it_ends_the_same(tmp_path):
    calm = start_company(tmp_path / "calm")
    calm.night()
    control.down(calm.settings.sandbox_dir)
    restless = start_company(tmp_path / "restless")
    nightly = [step for step in STEP_NAMES if step != "corrections__attempts"]
    codes = {step: killed_night(restless.settings.home, step) for step in nightly}
    assert codes == dict.fromkeys(nightly, -signal.SIGKILL)
    restless.night()
    control.down(restless.settings.sandbox_dir)
    assert restless.memory() == calm.memory()
