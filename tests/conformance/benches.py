"""On what the suite runs, by connector; whoever adds a connector adds its workbench here."""

import shutil
from contextlib import closing, contextmanager
from functools import partial

from tests.conformance.wire import relaying


@contextmanager
def sandbox(system, request, home):
    """A server for each test, on a copy of what was written once."""
    from extractors.sandbox.store import Store
    from tests.conformance.sandboxes import BENCHES
    from tests.wire.vendors import running

    kept = request.getfixturevalue("filled_stores") / f"{system}.db"
    if not kept.exists():
        with closing(Store(kept)) as store:
            BENCHES[system].fill(store)
    home.mkdir()
    shutil.copy(kept, home / "sandbox.db")
    secrets = request.getfixturevalue("vendor_secrets")
    with (
        running(home, secrets) as vendors,
        relaying(vendors.settings[system]["base_url"]) as wire,
    ):
        yield BENCHES[system](vendors, wire)


@contextmanager
def tryton(request, home):
    """One server for all tests of a session."""
    from tests.conformance.tryton.bench import TrytonBench

    server = request.getfixturevalue("tryton_server")
    with relaying(server.base_url) as wire:
        yield TrytonBench(server, wire)


WORKBENCHES = {
    "salesforce": partial(sandbox, "salesforce"),
    "stripe": partial(sandbox, "stripe"),
    "netsuite": partial(sandbox, "netsuite"),
    "tryton": tryton,
}

# Several pages, sessions, tombstones and totals: what the suite itself is tried on.
HAS_EVERYTHING = "netsuite"
