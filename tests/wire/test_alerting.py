"""Alerts reach a webhook and a command, each once; what was not taken is told with the next night."""

import json
import logging
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from orchestration.alerting import news, tell
from orchestration.settings import SettingsError, load_settings
from orchestration.stores import opened_state
from reconcilers.alerts import night_failed
from reconcilers.corrections.policy import load_policy
from reconcilers.exceptions import record_night
from tests.correction_samples import at, night
from tests.drift_samples import DAY, drift, drift_row

NOW = at(0, 8)
NEWS = "INV-MISS-01 Finalized billing invoice not posted in ERP"


@pytest.fixture
def webhook():
    """A receiver on loopback: what it was told, and the status that it answers with."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            server.told.append(json.loads(self.rfile.read(length)))
            self.send_response(server.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    server.told, server.status = [], 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def settings_for(tmp_path):
    def made(*words):
        return load_settings({"TIEOUT_HOME": str(tmp_path), "TIEOUT_ALERTS": " ".join(words)})

    settings = made()
    row = drift_row("a", "INV-MISS-01", severity="S2", impact_reporting_minor=5_000_000)
    with opened_state(settings) as state:
        record_night(state, night(0), drift(row), "1", watermarks={}, policy=load_policy(),
                     recorded_at=at(0, 3))  # fmt: skip
    return made


def titles(alerts):
    return [alert.title.split(":")[0] for alert in alerts]


def test_a_webhook_is_told_once_and_with_the_next_night_what_it_did_not_take(settings_for, webhook):
    settings = settings_for(f"*=json://127.0.0.1:{webhook.server_port}/secret-path")
    webhook.status = 500
    assert titles(tell(settings, NOW).lost) == [NEWS]
    webhook.status, webhook.told = 200, []
    assert len(tell(settings, NOW).told) == 1
    (told,) = webhook.told
    assert told["title"].endswith("1 new, 50,000 USD at risk")
    assert "tieout exceptions show" in told["message"]
    done = tell(settings, NOW)
    assert (done.told, done.lost, len(webhook.told)) == ((), (), 1)


def test_an_address_is_never_logged(settings_for, webhook, caplog):
    caplog.set_level(logging.ERROR)
    webhook.status = 500
    tell(settings_for(f"*=json://127.0.0.1:{webhook.server_port}/secret-path"), NOW)
    assert "was not taken by its json address" in caplog.text
    assert "secret-path" not in "".join(
        r.getMessage() for r in caplog.records if r.name.startswith("orch")
    )


def test_a_channel_leads_to_its_own_address_and_to_that_of_all(settings_for, tmp_path):
    """A command gets the alert as JSON."""
    script = tmp_path / "keep.py"
    script.write_text("import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + chr(10))")
    words = [
        f"'{channel}=command:{sys.executable} {script} {tmp_path / name}'"
        for channel, name in (("finance-ops", "f"), ("data-incidents", "d"), ("*", "all"))
    ]
    tell(settings_for(*words), NOW, also=[night_failed(DAY, "models")])

    def keys(name):
        return [json.loads(line)["key"] for line in (tmp_path / name).read_text().splitlines()]

    assert keys("f") == [f"new:{DAY}:INV-MISS-01"]
    assert keys("d") == [f"failed:{DAY}"]
    assert sorted(keys("all")) == sorted([*keys("f"), *keys("d")])


@pytest.mark.parametrize("command", ["false", "no-such-program-at-all"])
def test_a_command_that_fails_took_nothing(settings_for, command):
    settings = settings_for(f"*=command:{command}")
    assert len(tell(settings, NOW).lost) == 1
    with opened_state(settings) as state:
        assert len(news(settings, state, NOW)) == 1


def test_what_has_no_address_stays_news(settings_for):
    settings = settings_for("revops=command:true")
    assert len(tell(settings, NOW).unaddressed) == 1
    assert len(tell(settings, NOW).unaddressed) == 1


@pytest.mark.parametrize("word", ["slack", "=json://x", "ops=nothing"])
def test_a_mistake_in_the_addresses_is_told_without_them(word):
    with pytest.raises(SettingsError, match="TIEOUT_ALERTS, word 1") as error:
        load_settings({"TIEOUT_ALERTS": word})
    assert word not in str(error.value)
