"""What of an org's set-up has stood in the way of others: looked at before the first night."""

from collections.abc import AsyncIterator
from typing import Any

from extractors.calls import Call
from extractors.crm.salesforce.query import API_VERSION, DATA, ROOT, query
from extractors.errors import SourceError
from extractors.findings import Expected, Finding, verdict
from extractors.http import HttpDoor

# By these Tieout finds again what it made; without the flag an upsert makes a second one.
EXTERNAL_IDS = {
    "Account": ("Q2C_Customer_Key__c", "Stripe_Customer_Id__c"),
    "Opportunity": ("Q2C_Key__c",),
    "Subscription__c": ("Stripe_Subscription_Id__c",),
}
MADE = ("Account", "Opportunity")


async def traps(door: HttpDoor, expected: Expected) -> AsyncIterator[Finding]:
    """Reads only. What this user may not look at is said to be unknown."""
    yield await _version(door)
    described = {name: await _described(door, name) for name in EXTERNAL_IDS}
    yield _external_ids(described)
    yield _may_write(described)
    yield await _duplicate_rules(door)
    yield await _time_zone(door, expected)


async def _version(door: HttpDoor) -> Finding:
    reply = await door.send(Call("GET", DATA))
    served = [f"v{each['version']}" for each in reply.body]
    return verdict(
        "API version",
        wrong="" if API_VERSION in served else f"{API_VERSION} is not served, up to {served[-1]}",
        right=f"{API_VERSION} is served",
        remedy="use a Tieout that speaks a version that the org serves",
        level="error",
    )


async def _described(door: HttpDoor, name: str) -> dict[str, Any]:
    reply = await door.send(Call("GET", f"{ROOT}/sobjects/{name}/describe"))
    return {each["name"]: each for each in reply.member("fields")}


def _external_ids(described: dict[str, dict[str, Any]]) -> Finding:
    wrong = [
        f"{name}.{field} is {'no unique external id' if field in fields else 'missing'}"
        for name, fields in described.items()
        for field in EXTERNAL_IDS[name]
        if not (fields.get(field, {}).get("externalId") and fields[field].get("unique"))
    ]
    return verdict(
        "external ids",
        wrong="; ".join(wrong),
        right="every key that Tieout writes is a unique external id",
        remedy="make the fields of docs/connect.md, with External ID and Unique set",
        level="error",
    )


def _may_write(described: dict[str, dict[str, Any]]) -> Finding:
    may = [name for name, fields in described.items() if _is_writable(fields)]
    return verdict(
        "read-only user",
        wrong=f"the user that nights read as may change {', '.join(may)}" if may else "",
        right="the user that nights read as may change nothing",
        remedy="take the edit permissions from it, and give dispatch a user of its own "
        "(SALESFORCE_WRITE_*)",
        level="warning",
    )


def _is_writable(fields: dict[str, Any]) -> bool:
    return any(each.get("updateable") or each.get("createable") for each in fields.values())


async def _duplicate_rules(door: HttpDoor) -> Finding:
    names = ", ".join(f"'{name}'" for name in MADE)
    soql = (
        "SELECT DeveloperName, SobjectType FROM DuplicateRule "
        f"WHERE IsActive = true AND SobjectType IN ({names})"
    )
    try:
        rows = (await door.send(query(soql))).member("records")
    except SourceError as error:
        return Finding(
            "duplicate rules",
            "warning",
            f"they cannot be looked at: {error.message}",
            "let the user see duplicate rules (View Setup), or ask an administrator whether one "
            f"blocks new records of {' and '.join(MADE)}",
        )
    told = ", ".join(f"{row['DeveloperName']} ({row['SobjectType']})" for row in rows)
    return verdict(
        "duplicate rules",
        wrong=f"{told} may refuse what a correction makes" if told else "",
        right=f"none is active on {' and '.join(MADE)}",
        remedy="exempt the user of dispatch from them, or set their action to Allow",
        level="warning",
    )


async def _time_zone(door: HttpDoor, expected: Expected) -> Finding:
    reply = await door.send(query("SELECT TimeZoneSidKey FROM Organization"))
    zone = reply.member("records")[0]["TimeZoneSidKey"]
    zones = sorted(set(expected.entity_time_zone.values()))
    return verdict(
        "time zone",
        wrong=""
        if zone in {*zones, "GMT", "Etc/UTC", "UTC"}
        else f"the org's is {zone}, that of no legal entity ({', '.join(zones)})",
        right=f"the org's is {zone}",
        remedy="dates that people type there are of another day: correct legal_entities.csv, or "
        "the org's default time zone",
        level="warning",
    )
