"""`tieout init`: what it asks, what it writes, and what it shows to nobody."""

import os
import pty
import re
import select
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from dotenv import dotenv_values

from extractors.systems import RECONCILED
from orchestration.commands.init import Nobody
from orchestration.company_files import own_files
from orchestration.company_setup import EDITED, LOGINS, answers, is_secret
from orchestration.connections import variable_of
from orchestration.env_file import EnvFileError, documented, write_private
from orchestration.environment import environment
from orchestration.settings import load_settings

TIEOUT = Path(sys.executable).with_name("tieout")
OWN = {
    "SALESFORCE_URL": "https://acme.my.salesforce.com",
    "SALESFORCE_CLIENT_ID": "app",
    "SALESFORCE_CLIENT_SECRET": "canary-crm",
    "STRIPE_URL": "https://api.stripe.com",
    "STRIPE_API_KEY": "rk_canary-billing",
    "NETSUITE_ACCOUNT": "1234567",
    "NETSUITE_CONSUMER_KEY": "k",
    "NETSUITE_CONSUMER_SECRET": "canary-erp",
    "NETSUITE_TOKEN_ID": "t",
    "NETSUITE_TOKEN_SECRET": "canary-token",
}


def run(tmp_path, *arguments, **environ):
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    where = ("--env-file", tmp_path / "env", "--config", tmp_path / "config")
    return subprocess.run(
        [TIEOUT, "init", *where, *arguments],
        env={**known, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_defaults_write_what_is_used_and_nothing_else(tmp_path):
    done = run(tmp_path, "--defaults", "--home", tmp_path / "home", **OWN)
    assert (done.returncode, done.stderr) == (0, "")
    env = tmp_path / "env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    text = env.read_text()
    assert "SALESFORCE_USERNAME" not in text
    assert "# Stripe (a restricted key" in text
    assert "canary" not in done.stdout + done.stderr
    settings = load_settings({n: v for n, v in environment(env).items() if n in text})
    assert not settings.uses_sandbox
    assert settings.system_config("stripe").api_key == "rk_canary-billing"
    assert settings.home == tmp_path / "home"
    assert settings.seals() is not None
    assert sorted(own_files(settings.config_dir)) == sorted(EDITED)
    readme = (tmp_path / "config" / "README.md").read_text()
    assert "`functional_currency`" in readme


def test_a_second_time_replaces_nothing_unasked(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "policy.toml").write_text("# mine\n")
    (tmp_path / "env").write_text("STRIPE_API_KEY=rk_old\n")
    refused = run(tmp_path, "--defaults")
    assert refused.returncode == 2
    assert "stays as it is; --force" in re.sub(r"[\s│]+", " ", refused.stderr)
    assert (tmp_path / "env").read_text() == "STRIPE_API_KEY=rk_old\n"
    forced = run(tmp_path, "--defaults", "--force", **OWN)
    assert forced.returncode == 0
    assert (tmp_path / "config" / "policy.toml").read_text() == "# mine\n"


def test_a_person_is_asked_and_secrets_are_not_shown(tmp_path):
    """At a real terminal, since that is what would show what is typed."""
    replies = [
        ("runs produce", str(tmp_path / "home")), ("PostgreSQL", "n"), ("Which systems", "own"),
        ("enter salesforce", ""), ("SALESFORCE_URL", OWN["SALESFORCE_URL"]),
        ("SALESFORCE_CLIENT_ID", "app"), ("SALESFORCE_CLIENT_SECRET", "canary-crm"),
        ("its own for salesforce", "n"), ("STRIPE_URL", ""), ("STRIPE_API_KEY", "rk_canary-billing"),
        ("its own for stripe", "y"), ("STRIPE_WRITE_API_KEY", "rk_canary-write"),
        ("enter netsuite", "token (OAuth 1.0a)"), ("NETSUITE_ACCOUNT", "1234567"),
        ("CONSUMER_KEY", "k"), ("CONSUMER_SECRET", "canary-erp"), ("TOKEN_ID", "t"),
        ("TOKEN_SECRET", "canary-token"), ("its own for netsuite", "n"), ("bank statements", "n"),
        ("seals names", "y"), ("connection now", "n"),
    ]  # fmt: skip
    shown = at_a_terminal(
        ["init", "--env-file", tmp_path / "env", "--config", tmp_path / "c"], replies
    )
    assert "canary" not in shown
    written = (tmp_path / "env").read_text()
    assert "STRIPE_WRITE_API_KEY=rk_canary-write" in written
    assert "NETSUITE_CONSUMER_SECRET=canary-erp" in written
    assert "NETSUITE_CLIENT_ID" not in written
    assert "STRIPE_URL=https://api.stripe.com" in written
    (key,) = re.findall(r"TIEOUT_SEALING_KEYS=(.+)", written)
    Fernet(key.strip("'"))


class Replies(Nobody):
    """Takes every default but these, by what is asked."""

    def __init__(self, **replies):
        self.replies = replies

    def text(self, words, default):  # noqa: ARG002
        return default or "given"

    def secret(self, words, known):  # noqa: ARG002
        return known or "given"

    def choice(self, words, options, default):  # noqa: ARG002
        return next((self.replies[word] for word in self.replies if word in words), default)

    def yes(self, words, *, default):  # noqa: ARG002
        return "dispatch" in words


def test_a_second_time_loses_nothing_that_was_set(tmp_path):
    kept = {"STRIPE_ACCOUNTS": "acct_1,acct_2", "STRIPE_WRITE_ACCOUNTS": "acct_1",
            "NETSUITE_URL": "https://books.example.com", "POSTGRES_HOST": "db",
            "OTEL_SERVICE_NAME": "tieout", "NETSUITE_WRITE_TOKEN_SECRET": "canary-w"}  # fmt: skip
    (tmp_path / "env").write_text("".join(f"{n}={v}\n" for n, v in (OWN | kept).items()))
    assert run(tmp_path, "--defaults", "--force").returncode == 0
    assert (OWN | kept).items() <= dotenv_values(tmp_path / "env").items()


@pytest.mark.parametrize(
    ("system", "login"),
    [(system, login) for system in RECONCILED for login in LOGINS.get(system, ("",))],
)
def test_every_login_is_written_for_reading_and_for_dispatch(system, login):
    told = answers(Replies(Which="own", **{system: login}), {"STRIPE_ACCOUNTS": "acct_1"})
    text = documented(told)
    assert "# Not in .env.example" not in text
    fields = LOGINS.get(system, {"": ("api_key",)})[login]
    for name in fields:
        assert f"\n{variable_of(system, name)}=" in text
        if name != "login_url":
            assert f"\n{variable_of(system, f'write_{name}')}=" in text


def test_another_login_lets_go_of_the_former(tmp_path):
    certificate = next(iter(LOGINS["netsuite"]))
    told = answers(Replies(Which="own", netsuite=certificate), OWN)
    assert not [name for name in told if "TOKEN" in name]


def at_a_terminal(arguments, replies):
    """What a terminal shows while the replies are typed, each after its question."""
    ours, theirs = pty.openpty()
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "COLUMNS": "200",
        "TERM": "dumb",
    }
    process = subprocess.Popen(
        [TIEOUT, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environ,
        start_new_session=True,
    )
    os.close(theirs)
    shown, at = "", 0
    for question, reply in replies:
        while question not in shown[at:] or not shown.endswith(": "):
            shown += heard(ours, question, shown[at:])
        at = len(shown)
        os.write(ours, f"{reply}\n".encode())
    while process.poll() is None or select.select([ours], [], [], 0)[0]:
        try:
            shown += heard(ours, "the end", shown[at:])
        except OSError:
            break
    assert process.wait() == 0, shown
    return shown


def heard(terminal, awaited, shown):
    if not select.select([terminal], [], [], 120)[0]:
        raise AssertionError(f"waiting for {awaited!r}; shown was {shown!r}")
    return os.read(terminal, 4096).decode(errors="replace")


def test_a_value_that_no_env_file_carries_is_refused_by_its_name():
    with pytest.raises(EnvFileError, match="TIEOUT_HOME") as caught:
        documented({"TIEOUT_HOME": "it's\nhere"})
    assert "here" not in str(caught.value).replace("which", "")


@pytest.mark.parametrize("secret", ["a${HOME}b", r"a\\\\b", "a b\\"])
def test_a_secret_that_would_be_read_back_as_another_is_refused(secret):
    with pytest.raises(EnvFileError, match="STRIPE_API_KEY") as caught:
        documented({"STRIPE_API_KEY": secret})
    assert secret not in str(caught.value)


def test_what_no_file_carries_is_told_without_a_stack_trace(tmp_path):
    done = run(tmp_path, "--defaults", **(OWN | {"STRIPE_API_KEY": "a${HOME}b"}))
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "STRIPE_API_KEY holds" in done.stderr


def test_values_survive_the_file(tmp_path):
    values = {
        "TIEOUT_ALERTS": "*=mailto://a b#c",
        "TIEOUT_HOME": "/srv/a $HOME",
        "TIEOUT_LOG": "json",
        "DAGSTER_DB": r"a\b",
    }
    write_private(tmp_path / "env", documented(values))
    read = environment(tmp_path / "env")
    assert {name: read[name] for name in values} == values


def test_what_is_secret_is_what_connectors_hide():
    assert is_secret("stripe", "api_key")
    assert not is_secret("stripe", "base_url")


def test_a_company_of_many_gets_a_file_and_a_folder_of_its_own(tmp_path):
    told = {"TIEOUT_ENV_FILE": str(tmp_path / ".env"), "TIEOUT_COMPANIES": "acme globex",
            "TIEOUT_HOME": str(tmp_path / "home"), "TIEOUT_CONFIG": str(tmp_path / "config")}  # fmt: skip
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in told.items()))
    known = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    known |= {"TIEOUT_ENV_FILE": told["TIEOUT_ENV_FILE"]}
    command = [TIEOUT, "init", "--defaults"]
    unsaid = subprocess.run(command, env=known, capture_output=True, text=True, check=False)
    assert (unsaid.returncode, "lists acme, globex" in unsaid.stderr) == (2, True)
    subprocess.run(command, env={**known, "TIEOUT_COMPANY": "acme", **OWN}, check=True)
    acme = load_settings(told, "acme")
    assert acme.system_config("stripe").api_key == OWN["STRIPE_API_KEY"]
    assert acme.seals() is not None
    assert acme.config_dir == tmp_path / "config" / "acme"
    assert sorted(own_files(acme.config_dir)) == sorted(EDITED)
    assert not (tmp_path / ".env.globex").exists()
