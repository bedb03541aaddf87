"""On what the suite runs, by connector; whoever adds a connector adds its workbench here."""

from contextlib import contextmanager
from functools import partial

from tests.conformance.wire import relaying


@contextmanager
def sandbox(system, request, home):
    """A store and its server for each test."""
    from tests.conformance.sandboxes import BENCHES
    from tests.wire.vendors import running

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
