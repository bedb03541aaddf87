"""What `deploy/` names exists: commands and their options, files, variables, images' rules."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestration.env_file import template_variables
from orchestration.night import INSTANCE_CONFIG
from orchestration.settings import load_settings
from tests.docs.blocks import mistake

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OURS = {name: one for name, one in COMPOSE["services"].items() if one["image"] == "tieout"}
RUN = {
    **{name: [*one.get("entrypoint", ["tieout"]), *one.get("command", [])] for name, one in OURS.items()},
    **{
        unit.name: re.search(r"^ExecStart=/opt/tieout/.venv/bin/(.+)$", unit.read_text(), re.MULTILINE)[1].split()
        for unit in UNITS
    },
}  # fmt: skip


@pytest.mark.parametrize("name", RUN)
def test_every_command_is_one(name):
    program, *words = RUN[name]
    assert (BIN / program).exists()
    if program == "tieout" and words:
        assert mistake([program, *words]) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, words in RUN.items() if words[0] != "tieout"])
def test_every_option_is_one(name):
    program, *words = RUN[name]
    groups = [word for word in words if re.fullmatch(r"[a-z]+(-[a-z]+)*", word)][:2]
    groups = [word for word in groups if word in {"code-server", "start", "run"}]
    told = subprocess.run(
        [BIN / program, *groups, "--help"], capture_output=True, text=True, check=True
    )
    for option in (word for word in words if word.startswith("-")):
        assert re.search(rf"(^|[\s,]){option}\b", told.stdout), option


def test_every_file_that_is_mounted_or_copied_is_there():
    mounts = [
        str(mount).split(":")[0]
        for one in COMPOSE["services"].values()
        for mount in one.get("volumes", ())
    ]
    named = {mount for mount in mounts if not mount.startswith("./")}
    assert named == set(COMPOSE["volumes"])
    made_by_hand = {"./config"}  # by `tieout init`
    assert all((DEPLOY / mount).exists() for mount in set(mounts) - named - made_by_hand)
    text = (DEPLOY / "Containerfile").read_text()
    copied = [
        word
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
        for word in line.split()
    ]
    assert copied
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert all((ROOT / word).exists() and f"!{word}" in allowed for word in copied)
    extra = re.search(r"-e '\.\[(\w+)\]'", text)[1]
    assert f"\n{extra} = [" in (ROOT / "pyproject.toml").read_text()


def test_every_variable_is_read_by_something():
    known = {*template_variables(), "DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY", "PATH"}
    known |= set(re.findall(r"env: (\w+)", (DEPLOY / "dagster.yaml").read_text()))
    known |= {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PIP_NO_CACHE_DIR"}
    known |= {"PIP_DISABLE_PIP_VERSION_CHECK"}
    container = (DEPLOY / "Containerfile").read_text()
    set_there = {word for block in re.findall(r"^ENV ((?:.+\\\n)*.+)", container, re.MULTILINE)
                 for word in re.findall(r"([A-Z_]+)=", block)}  # fmt: skip
    composed = {name for one in OURS.values() for name in one["environment"]}
    united = {
        word
        for unit in UNITS
        for line in re.findall(r"^Environment=(.+)", unit.read_text(), re.MULTILINE)
        for word in re.findall(r"([A-Z_]+)=", line)
    }
    assert (set_there | composed | united) - known == set()
    needed = set(re.findall(r"env: (\w+)", (DEPLOY / "dagster.yaml").read_text()))
    given = composed | set(
        re.findall(r"^(\w+)=", (DEPLOY / "postgres.env.example").read_text(), re.MULTILINE)
    )
    assert needed <= given


def test_containers_run_without_rights_and_say_how_they_are():
    assert "USER 10001:10001" in (DEPLOY / "Containerfile").read_text()
    for name, one in COMPOSE["services"].items():
        assert "no-new-privileges:true" in one["security_opt"]
        assert "healthcheck" in one or name == "tieout"
    for one in OURS.values():
        assert one["read_only"]
        assert one["cap_drop"] == ["ALL"]
    assert OURS["webserver"]["ports"] == ["127.0.0.1:3000:3000"]
    values = [value for one in OURS.values() for value in one["environment"].values()]
    assert not any("PASSWORD" in name for one in OURS.values() for name in one["environment"])
    assert all(isinstance(value, str) for value in values)


def test_no_instance_lets_two_nights_run_at_once():
    deployed = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    assert deployed["concurrency"] == yaml.safe_load(INSTANCE_CONFIG)["concurrency"]
    assert deployed["telemetry"] == {"enabled": False}


def test_nights_by_hand_leave_the_services_instance_alone():
    """`tieout nightly` writes a dagster.yaml of its own, without the storage of the services."""
    by_hand = str(load_settings({"TIEOUT_HOME": "/var/lib/tieout"}).dagster_home)
    told = [re.search(r"DAGSTER_HOME=(\S+)", unit.read_text()) for unit in UNITS]
    homes = {found[1] for found in told if found}
    assert len(homes) == 1
    assert by_hand not in homes
    assert f"{homes.pop()}/dagster.yaml" in (ROOT / "docs" / "install.md").read_text()


def test_who_needs_no_credentials_gets_none():
    assert OURS["webserver"]["env_file"] == OURS["daemon"]["env_file"] == ["postgres.env"]
    writes = "tieout-dispatch.env"
    assert [name for name, one in OURS.items() if writes in str(one["env_file"])] == ["tieout"]
    units = [unit.name for unit in UNITS if writes in unit.read_text()]
    assert units == ["tieout-dispatch.service", "tieout-dispatch@.service"]


def test_what_is_done_by_hand_is_done_to_the_same_company():
    script = (DEPLOY / "tieout-by-hand").read_text()
    subprocess.run(["/bin/sh", "-n", DEPLOY / "tieout-by-hand"], check=True)
    unit = (DEPLOY / "systemd" / "tieout-dispatch.service").read_text()
    files = re.findall(r"EnvironmentFile=(\S+)", unit)
    assert re.findall(r"EnvironmentFile=(\S+)", script) == files
    for line in ("TIEOUT_HOME=/var/lib/tieout", "WorkingDirectory=/opt/tieout"):
        assert line in unit
        assert line in script


def test_the_image_prints_with_a_browser_that_needs_no_sandbox():
    text = (DEPLOY / "Containerfile").read_text()
    browser = re.search(r"TIEOUT_BROWSER=(\S+)", text)[1]
    assert f'exec chromium --no-sandbox "$@"\\n\' > {browser}' in text


def test_every_timer_starts_a_unit_that_is_there():
    timers = sorted((DEPLOY / "systemd").glob("*.timer"))
    assert timers
    for timer in timers:
        assert timer.with_suffix(".service").exists()
        read = configparser.ConfigParser(interpolation=None, strict=False)
        read.optionxform = str
        read.read(timer)
        assert "UTC" in read["Timer"]["OnCalendar"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_takes_every_unit(tmp_path):
    for unit in (DEPLOY / "systemd").iterdir():
        text = unit.read_text().replace("/opt/tieout", str(ROOT))
        text = re.sub(
            r"^(User|Group)=.*\n", "", text, flags=re.MULTILINE
        )  # a user that only installing makes
        (tmp_path / unit.name).write_text(text)
    told = subprocess.run(
        ["systemd-analyze", "verify", *tmp_path.iterdir()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, "")


def test_a_unit_of_a_timer_is_one_companys_where_it_is_started_for_one():
    templates = [unit for unit in UNITS if unit.stem.endswith("@")]
    assert {unit.name for unit in templates} == {
        timer.with_suffix(".service").name for timer in (DEPLOY / "systemd").glob("*@.timer")
    }
    for unit in templates:
        assert re.search(r"^Environment=.*\bTIEOUT_COMPANY=%i$", unit.read_text(), re.MULTILINE)
        assert unit.readlink() == Path(unit.name.replace("@", ""))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize(
    "unit", [unit for unit in UNITS if not unit.is_symlink()], ids=lambda unit: unit.name
)
def test_a_unit_may_do_little(unit):
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", unit],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout[-300:]


@pytest.mark.slow
def test_dagster_keeps_its_history_in_postgresql(tmp_path, postgres_url):
    """The instance file against a real server, as the containers use it."""
    from sqlalchemy.engine import make_url

    url = make_url(postgres_url)
    shutil.copy(DEPLOY / "dagster.yaml", tmp_path / "dagster.yaml")
    script = (
        "import dagster as dg\n"
        "instance = dg.DagsterInstance.get()\n"
        "@dg.asset\n"
        "def one(): ...\n"
        "assert dg.materialize([one], instance=instance).success\n"
        "print(len(instance.get_runs()), type(instance.run_storage).__name__)\n"
    )
    environ = {
        "PATH": os.environ["PATH"], "DAGSTER_HOME": str(tmp_path), "POSTGRES_USER": url.username,
        "POSTGRES_PASSWORD": "none", "POSTGRES_HOST": url.host, "POSTGRES_PORT": str(url.port),
        "DAGSTER_DB": url.database,
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=False
    )
    assert ran.stdout.split() == ["1", "PostgresRunStorage"], ran.stderr[-800:]
