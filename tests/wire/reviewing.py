"""The review app on a real server on loopback, and browsers and clients that are let in."""

import re
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from orchestration.review.access import Door
from orchestration.review.app import create_app
from orchestration.review.serve import server_of
from orchestration.settings import Settings, load_settings
from reconcilers.corrections.policy import load_policy
from reconcilers.exceptions import record_night
from reconcilers.state.models import CorrectionRecord
from reconcilers.state.store import State
from tests.correction_samples import at, fresh_state, night, plan_into, tie_out
from tests.drift_samples import drift, missing_invoice, stale_status
from tests.plan_facts import context


@dataclass(frozen=True)
class Review:
    """A running review."""

    url: str
    door: Door
    settings: Settings
    state: State

    def link(self, actor):
        """What `tieout review` prints for a person."""
        return f"{self.url}/login?token={self.door.tokens_for([actor])[actor]}"

    @contextmanager
    def client(self, actor=None):
        """A browser without a screen, signed in as `actor`."""
        with httpx.Client(base_url=self.url, headers={"origin": self.url}) as client:
            if actor:
                assert client.get(self.link(actor)).status_code == 303
            yield client


@contextmanager
def reviewing(settings, state):
    """The review of a home, while the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        door = Door()
        server = server_of(create_app(settings, state, door, [url]))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Review(url, door, settings, state)
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def sample_review(home, **environ):
    """The review of a night with eight missing invoices and a stale status, all corrections waiting."""
    state = fresh_state(home)
    rows = [missing_invoice(f"in_{number}") for number in range(8)]
    found = drift(stale_status(), *rows)
    record_night(state, night(0), found, "1", policy=load_policy(), watermarks={},
                 recorded_at=at(0, 3))  # fmt: skip
    plan_into(state, found, context())
    tie_out(state, night(0), holds=False)
    with state.begin() as session:  # the samples hold one invoice in full; the others wait, too
        for record in session.query(CorrectionRecord).filter_by(state="refused"):
            record.state, record.refusals = "proposed", []
    settings = load_settings({"TIEOUT_HOME": str(home), "TIEOUT_ACTOR": "ann", **environ})
    with reviewing(settings, state) as running:
        yield running
    state.close()


def csrf_of(client):
    """The token of the session's forms."""
    return re.search(r'name="csrf" value="([^"]+)"', client.get("/keys").text)[1]


def post(client, path, **fields):
    """A form of the session, sent and followed."""
    sent = client.post(path, data={"csrf": csrf_of(client), **fields})
    return client.get(sent.headers["location"]) if sent.status_code == 303 else sent
