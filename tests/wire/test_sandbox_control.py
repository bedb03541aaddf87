"""The sandbox as a process of its own: up, down, restart, advance."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

import httpx
import pytest
from typer.testing import CliRunner

from extractors.sandbox import control
from extractors.sandbox.limits import Limits
from extractors.sandbox.servers import read_connections
from extractors.sandbox.store import Store
from orchestration.commands.sandbox import app as commands

CUSTOMERS = 40


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home") / "sandbox"
    control.up(home, seed=5, customers=CUSTOMERS)
    yield home
    control.down(home)


def customers(home):
    connection = read_connections(home)["stripe"]
    headers = {"Authorization": f"Bearer {connection['api_key']}"}
    answer = httpx.get(f"{connection['base_url']}/v1/customers?limit=100", headers=headers)
    return [customer["id"] for customer in answer.json()["data"]]


def wait_until(met):
    deadline = time.monotonic() + 30
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_up_serves_a_company_and_says_how_to_reach_it(home):
    connections = control.up(home)
    assert connections == json.loads((home / "connections.json").read_text())
    assert {"salesforce", "stripe", "netsuite"} < set(connections)
    assert connections["netsuite"]["private_key_path"] == str(home / "netsuite_key.pem")
    assert customers(home)
    for secret in ("connections.json", "netsuite_key.pem"):
        assert stat.S_IMODE((home / secret).stat().st_mode) == 0o600


def test_up_again_keeps_the_process_and_the_company(home):
    pid, before = (home / "server.pid").read_text(), customers(home)
    control.up(home, seed=6)
    assert ((home / "server.pid").read_text(), customers(home)) == (pid, before)


def test_status_tells_clock_and_counts(home):
    status = control.status(home)
    assert status.running is True
    assert status.counts["stripe.customer"] > 0
    assert {"salesforce.Account", "netsuite.transaction", "stripe.invoice"} <= set(status.counts)


def test_what_is_done_to_the_file_shows_on_the_wire_at_once(home):
    before = control.status(home)
    assert control.advance(home, 1) == before.now + timedelta(days=1)
    store = Store(home / "sandbox.db")
    store.put("stripe", "customer", {"id": "cus_walkin", "name": "Walk In"})
    store.close()
    assert customers(home)[0] == "cus_walkin"


def test_down_and_up_again_changes_nothing(home):
    before, listed = control.status(home), customers(home)
    urls = {name: known.get("base_url") for name, known in read_connections(home).items()}
    control.down(home)
    assert control.is_running(home) is False
    assert not (home / "server.pid").exists()
    control.down(home)
    with pytest.raises(httpx.ConnectError):
        customers(home)
    again = control.up(home)
    assert {name: known.get("base_url") for name, known in again.items()} == urls
    assert (control.status(home), customers(home)) == (before, listed)


def test_a_killed_server_is_started_again_with_its_company(home):
    listed = customers(home)
    os.kill(int((home / "server.pid").read_text()), signal.SIGKILL)
    wait_until(lambda: not control.is_running(home))
    control.up(home)
    assert customers(home) == listed


def test_wire_faults_can_be_set_from_outside(home):
    control.fail_requests(home, [{"system": "stripe", "times": 1, "status": 503}])
    connection = read_connections(home)["stripe"]
    headers = {"Authorization": f"Bearer {connection['api_key']}"}
    statuses = [
        httpx.get(f"{connection['base_url']}/v1/products", headers=headers).status_code
        for _ in range(2)
    ]
    assert statuses == [503, 200]


def test_faults_and_limits_can_be_set_from_outside_and_stats_read(home):
    control.stats(home, reset=True)
    control.set_faults(home, "outages", ["stripe"], seed=4)
    control.set_limits(home, {"stripe": Limits(latency_ms=1)})
    connection = read_connections(home)["stripe"]
    headers = {"Authorization": f"Bearer {connection['api_key']}"}
    url = f"{connection['base_url']}/v1/products"
    with httpx.Client(headers=headers) as http:
        met = Counter(str(http.get(url).status_code) for _ in range(80))
        control.set_faults(home, "off")
        control.set_limits(home, {"stripe": None})
        assert {http.get(url).status_code for _ in range(30)} == {200}
    told = control.stats(home)
    assert told["stripe"]["by_endpoint"]["GET /v1/products"] == met + Counter({"200": 30})
    assert told["stripe"]["faults"] == {"outages": 80 - met["200"]}
    assert met["200"] < 80
    assert (set(told), told["netsuite"]["calls"]) == ({"salesforce", "stripe", "netsuite"}, 0)


def tieout(home, *arguments, monkeypatch):
    monkeypatch.setenv("TIEOUT_HOME", str(home.parent))
    return CliRunner().invoke(commands, arguments)


def test_faults_are_set_by_a_command(home, monkeypatch):
    told = tieout(home, "faults", "resets+latency", "--system", "stripe", monkeypatch=monkeypatch)
    assert told.exit_code == 0
    store = Store(home / "sandbox.db")
    assert store.meta("fault_profiles") == {
        "stripe": {"profiles": ["latency", "resets"], "seed": 1}
    }
    tieout(home, "faults", "chaos", "--seed", "5", monkeypatch=monkeypatch)
    assert {kept["seed"] for kept in store.meta("fault_profiles").values()} == {5}
    tieout(home, "faults", "off", monkeypatch=monkeypatch)
    assert store.meta("fault_profiles") is None
    store.close()


def test_a_profile_that_is_none_is_refused_with_those_that_are(home, monkeypatch):
    told = tieout(home, "faults", "sunshine", monkeypatch=monkeypatch)
    assert told.exit_code == 2
    assert "no fault profile sunshine" in told.output
    told = tieout(home, "faults", "chaos", "--system", "strip", monkeypatch=monkeypatch)
    assert told.exit_code == 2
    assert "the systems are salesforce, stripe, netsuite" in told.output


def test_a_second_server_on_the_same_folder_gives_up(home):
    command = [sys.executable, "-m", "extractors.sandbox", "serve", "--home", str(home)]
    second = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert second.returncode != 0
    assert customers(home)


def test_serving_in_the_foreground_is_silent(tmp_path):
    command = [sys.executable, "-m", "extractors.sandbox", "serve", "--home", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(lambda: control.answers(tmp_path) or process.poll() is not None)
        connection = read_connections(tmp_path)["stripe"]
        assert httpx.get(f"{connection['base_url']}/v1/customers").status_code == 401
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=30) == (b"", b"")
        assert process.returncode == 0
    assert "Started server" in (tmp_path / "server.log").read_text()


def test_where_nothing_is_nothing_can_be_done(tmp_path):
    nowhere = tmp_path / "nowhere"
    control.down(nowhere)
    assert control.is_running(nowhere) is False
    for attempt in (control.status, control.advance, control.truth):
        with pytest.raises(control.SandboxError, match="holds no sandbox"):
            attempt(nowhere)
    with pytest.raises(control.SandboxError, match="nothing is served"):
        control.stats(nowhere)


def test_a_server_that_cannot_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/ls")
    with pytest.raises(control.SandboxError, match=r"did not start:\n.*--home"):
        control.up(tmp_path, customers=CUSTOMERS)
