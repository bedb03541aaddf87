"""What can be made to go wrong, kept in the store so that the servers and their controller agree.

Profiles of a misbehaving wire, set per system with a seed and combined by `+` ("resets+latency").
From the seed and the count of requests it follows which request meets which fault.

| profile         | what the client meets                                                      |
|-----------------|----------------------------------------------------------------------------|
| rate_limits     | refusals in the vendor's own shape: Stripe 429 with a reason, with and     |
|                 | without Retry-After, and lock_timeout; Salesforce 503 SERVER_UNAVAILABLE   |
|                 | and 403 for concurrent requests; NetSuite 429 CONCURRENCY_LIMIT_EXCEEDED   |
| outages         | bursts of 500 and 503 in the vendor's shape, and a proxy's 502 in HTML     |
| resets          | the connection reset or closed in mid-body, or closed before the headers   |
| lost_answers    | writes that are committed and answered by a 500 or a closed connection     |
| expired_tokens  | sessions that end; a Stripe key is no session and does not                 |
| stale_reads     | objects read from replicas that lag some minutes, and whose Date says so   |
| duplicate_pages | the border record or the whole of a list's last page once more             |
| partial_batches | single calls of a Salesforce composite refused, the others carried out     |
| latency         | 30 to 80 ms more for each answer                                           |
| slow_bodies     | bodies that trickle in                                                     |
| chaos           | all of these together                                                      |

The same request meets at most two faults in a row, whatever the profiles, and a login meets one; a
session that was renewed because of a refusal serves the request that was refused. So five attempts
at a request get through, also where those in vain at the login that it needs count among them.

`faults` (controls):
{"drop": {"salesforce.PricebookEntry": [ids]}, "stale": {"netsuite.item": hours}}.
Dropped records are missing from pages and yet counted; a stale object is read from a replica that
is hours behind: its Date header is old and what was created since is not there.

`request_faults` (the wire): a list of {"system", "times", and optionally "method", "path" (a part
of it), "status", "retry_after", "lose_answer"}. The first that fits a request is used and counted
down. With `lose_answer` the request takes effect and the connection closes before the answer; a
call within a composite is then answered by a 500.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal

from extractors.sandbox.refusals import DISTURBED, OVERLOADED
from extractors.sandbox.schema import System
from extractors.sandbox.store import Store

CONTROLS = "faults"
REQUESTS = "request_faults"
PROFILES = "fault_profiles"

Profile = Literal[
    "rate_limits",
    "outages",
    "resets",
    "lost_answers",
    "expired_tokens",
    "stale_reads",
    "duplicate_pages",
    "partial_batches",
    "latency",
    "slow_bodies",
]
How = Literal["refuse", "close", "reset", "cut", "commit", "repeat"]

KNOWN: tuple[Profile, ...] = Profile.__args__  # type: ignore[attr-defined]
CHAOS = "chaos"
OFF = "off"

IN_A_ROW = 2
LOGINS_IN_A_ROW = 1
LONGEST_LAG = timedelta(minutes=30)
_LATENCY = (0.030, 0.080)
_BURST = 5
# How many requests of a hundred meet each; an outage is drawn once for a burst of requests.
_SHARE: dict[Profile, int] = {
    "expired_tokens": 6,
    "outages": 15,
    "rate_limits": 12,
    "resets": 10,
    "lost_answers": 40,
    "duplicate_pages": 35,
    "slow_bodies": 12,
}
_BREAKS: tuple[How, ...] = ("reset", "cut", "close")


@dataclass(frozen=True)
class RequestFault:
    """What happens to one request."""

    status: int
    retry_after: int | None
    lose_answer: bool


@dataclass(frozen=True)
class Weather:
    """The profiles that hold for one system, and the seed of what they do."""

    profiles: frozenset[str]
    seed: int


@dataclass(frozen=True)
class Fault:
    """What one request meets.

    refuse: not carried out, answered by `refusal` (see refusals.py). close: not carried out, not
    answered. reset, cut: carried out, half of the body is sent. commit: carried out, answered by
    `refusal` or, where that is empty, not at all. repeat: a list shows again what the page before
    has shown, all of it or only its last record.
    """

    profile: Profile
    how: How
    refusal: str = ""
    is_whole: bool = False


@dataclass(frozen=True)
class Course:
    """How one request goes: seconds of waiting, a fault or none, and whether the body trickles."""

    delay: float = 0
    fault: Fault | None = None
    trickles: bool = False


def parse_profile(text: str) -> frozenset[str]:
    """`"resets+latency"` -> the profiles it names; `off` names none."""
    names = {name.strip() for name in text.split("+")} - {OFF}
    unknown = names - {*KNOWN, CHAOS}
    if unknown:
        known = ", ".join((*KNOWN, CHAOS, OFF))
        raise ValueError(f"no fault profile {', '.join(sorted(unknown))}; there are {known}")
    return frozenset(KNOWN if CHAOS in names else names)


def set_profile(store: Store, profile: str, systems: Iterable[System], seed: int = 1) -> None:
    """Let the wire of these systems misbehave in this way from the next request on."""
    profiles = sorted(parse_profile(profile))
    with store.transaction():
        kept = dict(store.meta(PROFILES, {}))
        for system in systems:
            kept.pop(system, None)
            if profiles:
                kept[system] = {"profiles": profiles, "seed": seed}
        store.set_meta(PROFILES, kept or None)


def weather(store: Store, system: System) -> Weather | None:
    kept = store.meta(PROFILES, {}).get(system)
    return Weather(frozenset(kept["profiles"]), kept["seed"]) if kept else None


class Chaos:
    """The faults that the requests to one system meet, in the order in which they arrive."""

    def __init__(self, system: System, weather: Weather) -> None:
        self._system = system
        self._weather = weather
        self._count = 0
        self._in_a_row: dict[int, int] = {}
        self._ended: set[str] = set()
        self._renewing: dict[int, str] = {}

    def next(
        self,
        *,
        line: int,
        is_read: bool,
        token: str | None,
        can_repeat: bool,
        is_login: bool,
    ) -> Course:
        """The course of a request; `line` stands for all that makes it the same request again."""
        most = LOGINS_IN_A_ROW if is_login else IN_A_ROW
        self._count += 1
        profiles = self._weather.profiles
        chance = Random(f"{self._weather.seed}:{self._system}:{self._count}")
        delay = chance.uniform(*_LATENCY) if "latency" in profiles else 0
        fault = self._session_end(chance, line, token)
        if fault is None and self._in_a_row.get(line, 0) < most:
            fault = self._disturbance(chance, is_read=is_read, can_repeat=can_repeat)
        if fault is None:
            self._in_a_row.pop(line, None)
        else:
            self._in_a_row[line] = self._in_a_row.get(line, 0) + 1
        return Course(delay, fault, trickles=self._draws(chance, "slow_bodies"))

    def _draws(self, chance: Random, profile: Profile) -> bool:
        return profile in self._weather.profiles and chance.randrange(100) < _SHARE[profile]

    def _session_end(self, chance: Random, line: int, token: str | None) -> Fault | None:
        """A session once ended stays ended, but no request is refused two sessions in a row."""
        drawn = self._draws(chance, "expired_tokens")
        if token is None or "expired_tokens" not in self._weather.profiles:
            return None
        refused = self._renewing.pop(line, None)
        if refused is not None and refused != token:
            return None
        if drawn and self._in_a_row.get(line, 0) < IN_A_ROW:
            self._ended.add(token)
        if token not in self._ended:
            return None
        self._renewing[line] = token
        return Fault("expired_tokens", "refuse", "session")

    def _disturbance(self, chance: Random, *, is_read: bool, can_repeat: bool) -> Fault | None:
        burst = Random(f"{self._weather.seed}:{self._system}:burst:{self._count // _BURST}")
        if self._draws(burst, "outages"):
            return Fault("outages", "refuse", chance.choice(DISTURBED[self._system]))
        if self._draws(chance, "rate_limits"):
            return Fault("rate_limits", "refuse", chance.choice(OVERLOADED[self._system]))
        if self._draws(chance, "resets"):
            return Fault("resets", chance.choice(_BREAKS))
        if not is_read and self._draws(chance, "lost_answers"):
            return Fault("lost_answers", "commit", chance.choice(("", "error")))
        if can_repeat and self._draws(chance, "duplicate_pages"):
            return Fault("duplicate_pages", "repeat", is_whole=chance.random() < 1 / 2)
        return None


def dropped(store: Store, system: str, kind: str) -> frozenset[str]:
    """Ids hidden from pages."""
    controls = store.meta(CONTROLS, {})
    return frozenset(controls.get("drop", {}).get(f"{system}.{kind}", ()))


def drops_any(store: Store, system: str) -> bool:
    drops = store.meta(CONTROLS, {}).get("drop", {})
    return any(name.startswith(f"{system}.") for name in drops)


def lag_hours(store: Store, system: System, kind: str) -> float:
    """How far behind the replica is that this object is read from."""
    told = float(store.meta(CONTROLS, {}).get("stale", {}).get(f"{system}.{kind}", 0))
    known = weather(store, system)
    if known is None or "stale_reads" not in known.profiles:
        return told
    # Whole minutes: a Date has no fractions of a second.
    minutes = Random(f"{known.seed}:{system}:{kind}:lag").randint(1, LONGEST_LAG.seconds // 60)
    return max(told, minutes / 60)


def visible_until(store: Store, system: System, kind: str) -> datetime | None:
    """The replica's time where it lags: nothing created later is seen."""
    hours = lag_hours(store, system, kind)
    return store.now() - timedelta(hours=hours) if hours else None


def take_request_fault(store: Store, system: str, method: str, path: str) -> RequestFault | None:
    """The fault that this request is to suffer, counted down."""
    if not store.meta(REQUESTS):
        return None
    with store.transaction():
        faults: list[dict[str, Any]] = store.meta(REQUESTS, [])
        for fault in faults:
            if _fits(fault, system, method, path):
                fault["times"] -= 1
                store.set_meta(REQUESTS, [left for left in faults if left["times"] > 0] or None)
                return RequestFault(
                    fault.get("status", 503),
                    fault.get("retry_after"),
                    bool(fault.get("lose_answer")),
                )
    return None


def _fits(fault: dict[str, Any], system: str, method: str, path: str) -> bool:
    return (
        fault["system"] == system
        and fault.get("method", method) == method
        and fault.get("path", "") in path
    )
