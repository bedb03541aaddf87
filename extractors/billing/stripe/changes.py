"""What a stretch of events says has changed: per record, and whether its new state is known.

An event shows its object as it was then, in the version of the API that the account had then.
That is taken for the record's state only where nothing speaks against it; what remains is read
again by id.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from extractors.billing.stripe.objects import API_VERSION, ENDPOINTS, Endpoint

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """The newest change of one record, in unix seconds.

    `state` is the record as it is since then, None where it must be read again; `created` is
    when the record was created, where an event told it.
    """

    at: int
    path: str
    created: int | None = None
    state: Record | None = None
    deleted: bool = False

    @property
    def is_known(self) -> bool:
        return self.deleted or self.state is not None

    @property
    def changed_at(self) -> str:
        return f"{datetime.fromtimestamp(self.at, UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class Changes:
    """The newest change per record since a second, as of the source's clock `served_at`."""

    since: int
    served_at: datetime
    _by_object: dict[str, dict[str, Change]] = field(default_factory=dict)

    def of(self, name: str) -> Mapping[str, Change]:
        return self._by_object.get(name, {})

    def add(self, events: Iterable[Record]) -> None:
        """Take events in any order."""
        for event in events:
            if event["created"] >= self.since:
                for name, key, change in _told_by(event):
                    known = self._by_object.setdefault(name, {})
                    known[key] = _newer(known[key], change) if key in known else change


def event_types() -> list[str]:
    """All types that tell of a change of what is pulled."""
    return sorted({kind for endpoint in ENDPOINTS.values() for kind in endpoint.events})


def shows_our_shape(version: str | None) -> bool:
    """Whether what was rendered in that version can be read as if it were in ours.

    Releases of one name differ by additions only (`2026-10-28.endive` and `2026-12-01.endive`).
    """
    return version is not None and version.partition(".")[2] == API_VERSION.partition(".")[2]


def lacks(record: Record, endpoint: Endpoint) -> bool:
    """Whether something that has to be expanded is there by its id only, or not at all."""
    if record.get("billing_scheme") == "tiered" and "tiers" not in record:
        return True
    return any(_ends_at_id(record, path.split(".")) for path in endpoint.expand)


def missing_key(record: Record, shape: Iterable[str]) -> str | None:
    """The first key that is not there: not even as null, so the record is of another era."""
    for path in shape:
        if not _has(record, path.split("."), 0):
            return path
    return None


def _told_by(event: Record) -> Iterable[tuple[str, str, Change]]:
    """(object, id, change) for every object that this event concerns."""
    shown = event["data"]["object"]
    for name, endpoint in ENDPOINTS.items():
        where = endpoint.events.get(event["type"])
        key = where and shown.get(where)
        if isinstance(key, str):
            if where == "id":
                yield name, key, _of_itself(event, shown, endpoint)
            else:
                yield name, key, Change(event["created"], endpoint.path_of({"id": key}))


def _of_itself(event: Record, shown: Record, endpoint: Endpoint) -> Change:
    deleted = event["type"] in endpoint.deletions
    readable = (
        shows_our_shape(event.get("api_version"))
        and not deleted
        and not lacks(shown, endpoint)
        and missing_key(shown, endpoint.shape) is None
    )
    return Change(
        event["created"],
        endpoint.path_of(shown),
        shown.get("created", shown.get("date")),
        shown if readable else None,
        deleted,
    )


def _newer(one: Change, other: Change) -> Change:
    """The later of two; of one second nobody can say, unless both show the same."""
    if one.at != other.at:
        return max(one, other, key=lambda change: change.at)
    if (one.state, one.deleted) == (other.state, other.deleted):
        return one
    return Change(one.at, one.path, one.created or other.created)


def _ends_at_id(value: Any, path: list[str]) -> bool:
    if isinstance(value, str):
        return True
    if isinstance(value, list):
        return any(_ends_at_id(element, path) for element in value)
    if not path or not isinstance(value, dict):
        return False
    return _ends_at_id(value.get(path[0]), path[1:])


def _has(value: Any, path: list[str], at: int) -> bool:
    if at == len(path) or value is None:
        return True
    if isinstance(value, list):
        for element in value:  # noqa: SIM110 (every record comes by here: twice as fast as all())
            if not _has(element, path, at):
                return False
        return True
    if not isinstance(value, dict) or path[at] not in value:
        return False
    return _has(value[path[at]], path, at + 1)
