"""What a connector's author writes for the conformance suite: one system, and hands that change it.

The connector under test is what the registry knows; it reaches the system through a `Wire`.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol

from extractors.protocol import WriteIntent
from extractors.registry import CONNECTORS, Connector
from tests.conformance.wire import Wire

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Writing:
    """Writes for one object, named as the target names it.

    `record_id` exists. `update` gives the body of a change that the system takes, and the field
    and value that show it; `create` one under a new external id. `refused` is a write that the
    system's own rules forbid. `write_call` is a text by which an update is told from other calls.
    """

    object: str
    record_id: str
    update: Callable[[], tuple[Mapping[str, Any], str, Any]]
    create: Callable[[], tuple[str, str, Mapping[str, Any]]] | None
    refused: WriteIntent
    write_call: str
    has_idempotency_key: bool = False


class Workbench(Protocol):
    """One system under test.

    `probe` is an object of which there is more than one page, whose records are added, changed
    and deleted here. `deletions` says how they are seen: named by an incremental read, or only by
    a scan of all keys. `has_sessions` is false where a key is good for ever. `has_version_lock`
    says whether the system itself refuses to overwrite a version that was not seen. `wrong` are
    fields of the configuration by which nobody is let in.
    """

    system: str
    probe: str
    deletions: Literal["tombstones", "key scan"]
    has_sessions: bool
    has_version_lock: bool
    wire: Wire
    secrets: Sequence[str]
    wrong: Mapping[str, str]
    writing: Writing

    def config(self, **changed: Any) -> Any:
        """How the connector is configured to come through the wire."""

    def viewing(self) -> Mapping[str, Any] | None:
        """From now on, what differs in the configuration of one who may only look."""

    def day(self) -> date:
        """The newest day that the system's clock lets be read."""

    def next_night(self) -> None:
        """The day moves on; what was there at the first night lies before any overlap."""

    def add(self, count: int) -> list[str]:
        """Keys of new records of the probe."""

    def change(self, key: str) -> None:
        """A new value in a declared field of a record of the probe."""

    def delete(self, key: str) -> None:
        """As a user of the system would."""

    def spoiled(self, key: str) -> AbstractContextManager[None]:
        """Within, a record of the probe breaks its contract."""

    def rows(self, name: str) -> list[Row] | None:
        """What an object holds, by column, as it should land; None where nobody else can tell."""

    def sums(self) -> Mapping[str, Mapping[str, int]]:
        """By object that declares a control sum: minor units per currency."""

    def end_session(self) -> None:
        """What the connector was let in with is good no more."""


def connector_of(bench: Workbench) -> Connector:
    return CONNECTORS[bench.system]
