"""Is everything in place for a night? Each finding that is not ok says what to do."""

import asyncio
import csv
import datetime as dt
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import asdict
from typing import Any

from extractors.billing.stripe.traps import traps as stripe_traps
from extractors.crm.salesforce.traps import traps as salesforce_traps
from extractors.erp.netsuite.traps import traps as netsuite_traps
from extractors.errors import SourceError, Unauthorized
from extractors.findings import Expected, Finding, Level
from extractors.http import HttpDoor
from extractors.protocol import Reader
from extractors.registry import open_door, open_reader
from extractors.sandbox import control
from extractors.systems import RECONCILED
from orchestration.connections import variable_of
from orchestration.doctor_machine import files, machine
from orchestration.settings import Settings, SettingsError

# A login by a signed key is refused beyond the second; the first is worth a look.
SKEW_NOTED, SKEW_REFUSED = dt.timedelta(seconds=30), dt.timedelta(minutes=5)


def examine(settings: Settings, now: dt.datetime | None = None) -> Iterator[Finding]:
    """The machine first, then the company's files, then each system and its known traps.

    Nothing is written but that the home is made and the state store brought up to date.
    `now` (UTC) is the time that the systems' clocks are held against.
    """
    if settings.company:
        told = f"{settings.company}, of {', '.join(settings.companies)}; {settings.env_file}"
        yield Finding("company", "ok", told)
    yield from machine(settings)
    yield from files(settings)
    for system in dict.fromkeys([*RECONCILED, *settings.connections_override]):
        found = _system(settings, system)
        yield found
        if found.is_ok and system in settings.connections_override:
            yield from _named(system, traps(settings, system, now or dt.datetime.now(dt.UTC)))


def as_json(findings: Iterable[Finding]) -> dict[str, Any]:
    """For machines; `healthy` unless there is an error."""
    found = [asdict(finding) for finding in findings]
    return {"healthy": all(one["level"] != "error" for one in found), "findings": found}


def _named(system: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    for one in findings:
        yield Finding(f"{system}: {one.subject}", one.level, one.detail, one.remedy)


def _system(settings: Settings, system: str) -> Finding:
    is_played = settings.uses_sandbox and system not in settings.connections_override
    if is_played and not control.is_running(settings.sandbox_dir):
        return Finding(
            system,
            "error",
            "the sandbox is not running and no real system is configured",
            "`tieout sandbox up`, or `tieout init` to connect your own",
        )
    try:
        return Finding(system, "ok", asyncio.run(_probe(settings, system)))
    except SettingsError as error:
        return Finding(system, "error", str(error), "see .env.example")
    except Unauthorized as error:
        return Finding(
            system,
            "error",
            str(error),
            f"check the credentials and permissions in {settings.env_file.name} against "
            "docs/connect.md",
        )
    except SourceError as error:
        return Finding(system, "error", str(error), "check the URL and that it can be reached")


async def _probe(settings: Settings, system: str) -> str:
    """Read a little of every object: what is refused here would stop the night."""
    async with open_reader(settings.system_config(system)) as (reader, _):
        for spec in reader.objects.values():
            await reader.begin(spec, dt.datetime.now(dt.UTC))
        return f"log-in works, all {len(reader.objects)} objects can be read"


def traps(settings: Settings, system: str, now: dt.datetime) -> Iterator[Finding]:
    """What is known to go wrong with a vendor, and how it is here."""
    if system not in RECONCILED:
        return
    yield _write_apart(settings, system)
    try:
        expected = expectations(settings, now.date())
    except (LookupError, TypeError, ValueError, OSError) as error:
        told = f"not looked at: the company's files cannot be read ({error!r})"
        yield Finding("set-up", "error", told, "correct what is said of the company's files")
        return
    try:
        yield from asyncio.run(_of_vendor(settings, system, now, expected))
    except SourceError as error:
        yield Finding("set-up", "error", str(error), "compare the permissions with docs/connect.md")


def _write_apart(settings: Settings, system: str) -> Finding:
    reading, writing = settings.connections_override[system], settings.write_override.get(system)
    if writing and any(reading.get(name) != value for name, value in writing.items()):
        return Finding("credentials for writing", "ok", "dispatch has its own")
    some = variable_of(system, "write_api_key" if system == "stripe" else "write_client_id")
    return Finding(
        "credentials for writing",
        "warning",
        "dispatch uses what nights read with: whatever reads could also write",
        f"give dispatch its own ({some}, ...), and make those for reading read-only",
    )


async def _of_vendor(
    settings: Settings, system: str, now: dt.datetime, expected: Expected
) -> list[Finding]:
    config = settings.system_config(system)
    async with open_reader(config) as (reader, _):
        found = [await _fields(reader)]
    async with open_door(config) as door:
        found += [one async for one in _vendor(system, config, door, expected)]
        return [_clock(door, now), *found]


def _vendor(system: str, config: Any, door: HttpDoor, expected: Expected) -> AsyncIterator[Finding]:
    if system == "stripe":
        return stripe_traps(door, expected, config.api_key)
    return {"salesforce": salesforce_traps, "netsuite": netsuite_traps}[system](door, expected)


async def _fields(reader: Reader) -> Finding:
    """What is declared and not there lands as null; some of it no row can be read without."""
    absent: list[str] = []
    for spec in reader.objects.values():
        await reader.begin(spec, dt.datetime.now(dt.UTC))  # a refused query shows what is hidden
        known = await reader.vendor_fields(spec)
        names = {name.lower() for name in known or ()}
        absent += [
            f"{spec.vendor_name}.{field.path[0]}"
            for field in spec.fields
            if known and field.path[0].lower() not in names
        ]
    if not absent:
        return Finding("custom fields", "ok", "all are there, or the vendor does not list them")
    told = f"{', '.join(absent)}: not there, or not shown to this user; they land as null"
    return Finding("custom fields", "warning", told, "make or show the fields of docs/connect.md")


def _clock(door: HttpDoor, now: dt.datetime) -> Finding:
    skew = abs(door.newest_at - now) if door.newest_at else dt.timedelta()
    level: Level = "error" if skew > SKEW_REFUSED else "warning" if skew > SKEW_NOTED else "ok"
    remedy = "" if level == "ok" else "set this machine's clock by NTP: logins by key are refused"
    told = f"{skew.total_seconds():.0f} s between its clock and this machine's"
    return Finding("clock", level, told, remedy)


def expectations(settings: Settings, today: dt.date) -> Expected:
    """What the company's own files say its systems should be like."""
    entities = list(_rows(settings, "legal_entities.csv"))
    users = _rows(settings, "integration_users.csv")
    return Expected(
        today=today,
        currencies=frozenset(settings.exponents()),
        entity_currency={row["legal_entity"]: row["functional_currency"] for row in entities},
        entity_time_zone={row["legal_entity"]: row["time_zone"] for row in entities},
        people_are_not=frozenset(row["user_id"] for row in users if row["system"] == "netsuite"),
    )


def _rows(settings: Settings, name: str) -> Iterator[dict[str, str]]:
    with settings.company_file(name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
