"""Tells alerts where their channels lead: to Apprise addresses, or to a command of one's own.

Apprise knows e-mail, Slack and its like, plain webhooks and a hundred more by one form of address.
What could not be told is told with the next night; what was is kept in the audit.
"""

import datetime as dt
import json
import logging
import shlex
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import apprise
from sqlalchemy import select

from orchestration.settings import Settings
from orchestration.stores import opened_state
from reconcilers.alerts import Alert, Morning, Told, alerts_of, missed, unheard
from reconcilers.corrections.policy import load_policy
from reconcilers.state.audit import append_audit
from reconcilers.state.models import AuditEntry
from reconcilers.state.store import State
from reconcilers.state.tieouts import load_tieouts
from reconcilers.state.views import list_corrections, list_exceptions, list_nights

log = logging.getLogger(__name__)
TOLD = "alert"
ALL = "*"
COMMAND = "command:"
COMMAND_SECONDS = 60


def standing_alerts(settings: Settings, state: State, now: dt.datetime) -> list[Alert]:
    """What stands this morning: of the newest night, and that one was missed."""
    nights = list_nights(state)
    if not nights:
        return []
    newest = nights[-1].snapshot_date
    morning = Morning(
        day=newest,
        exceptions=list_exceptions(state, states=("OPEN",)),
        tieouts=load_tieouts(state, newest),
        dead=list_corrections(state, states=("dead",)),
        policy=load_policy(settings.policy_path),
        exponents=settings.exponents(),
    )
    return [*missed(newest, now), *alerts_of(morning)]


@dataclass(frozen=True)
class Outcome:
    """What was told, what an address did not take, and what there is no address for."""

    told: tuple[Alert, ...]
    lost: tuple[Alert, ...]
    unaddressed: tuple[Alert, ...]


def news(
    settings: Settings, state: State, now: dt.datetime, also: Sequence[Alert] = ()
) -> list[Alert]:
    """What nobody heard of yet: of what stands, and of what is given beside it."""
    standing = (*also, *standing_alerts(settings, state, now))
    found = unheard(standing, told_before(state), now)
    return [_named(alert, settings.company) for alert in found]


def tell(settings: Settings, now: dt.datetime, also: Sequence[Alert] = ()) -> Outcome:
    """Tell what is news, and what is given beside it; an address that fails stops no other."""
    told, lost, unaddressed = [], [], []
    with opened_state(settings) as state:
        for alert in news(settings, state, now, also):
            taken = [_send(place, alert) for place in addresses(settings.alert_urls, alert.channel)]
            if not taken:
                unaddressed.append(alert)
            elif not all(taken):
                lost.append(alert)
            else:
                told.append(alert)
                _keep(state, settings.actor, alert, now)
    return Outcome(tuple(told), tuple(lost), tuple(unaddressed))


def _named(alert: Alert, company: str) -> Alert:
    """Whose it is comes first: one address may hear of several companies."""
    return replace(alert, title=f"{company}: {alert.title}") if company else alert


def addresses(configured: Mapping[str, Iterable[str]], channel: str) -> Iterator[str]:
    """Where a channel leads: its own addresses, and those of all."""
    for name in (channel, ALL):
        yield from configured.get(name, ())


def told_before(state: State) -> dict[str, Told]:
    """What was told last, by key."""
    query = select(AuditEntry).where(AuditEntry.action == TOLD).order_by(AuditEntry.sequence)
    with state.read() as session:
        return {
            line.subject: Told(line.at, line.body["count"], line.body["amount_minor"])
            for line in session.scalars(query)
        }


def _send(place: str, alert: Alert) -> bool:
    """Whether the place took it; an address may hold a secret and is never logged."""
    if place.startswith(COMMAND):
        taken = _run(place.removeprefix(COMMAND), alert)
    else:
        there = apprise.Apprise()
        taken = there.add(place) and bool(
            there.notify(body="\n".join(alert.lines), title=alert.title)
        )
    if not taken:
        kind = place.partition(":")[0]
        log.error("alert %s was not taken by its %s address", alert.key, kind)
    return taken


def _run(command: str, alert: Alert) -> bool:
    """Run a command of the operator's with the alert as JSON on its standard input."""
    try:
        done = subprocess.run(  # noqa: S603  # the operator's own words, from the environment
            shlex.split(command),
            input=json.dumps(asdict(alert)),
            text=True,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _keep(state: State, actor: str, alert: Alert, now: dt.datetime) -> None:
    body = {"channel": alert.channel, "count": alert.count, "amount_minor": alert.amount_minor}
    with state.begin() as session:
        append_audit(session, actor=actor, action=TOLD, subject=alert.key, body=body, at=now)
