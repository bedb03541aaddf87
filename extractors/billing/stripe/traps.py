"""What of an account's set-up has stood in the way of others: looked at before the first night."""

from collections.abc import AsyncIterator

from extractors.billing.stripe.objects import API_VERSION
from extractors.calls import Call, Reply
from extractors.errors import NotFound, Rejected, SourceError, Unauthorized
from extractors.findings import Expected, Finding, verdict
from extractors.http import HttpDoor

# No customer has it: a call that may write gets "no such customer", one that may not is refused.
NOBODY = "cus_tieout_doctor_nobody"


async def traps(door: HttpDoor, expected: Expected, api_key: str) -> AsyncIterator[Finding]:
    """Changes nothing: the one call that would write names a customer that nobody is."""
    yield _key(api_key)
    yield await _may_write(door)
    yield await _version(door)
    try:
        account = await door.send(Call("GET", "/v1/account"))
    except SourceError as error:
        yield Finding(
            "account settings",
            "warning",
            f"they cannot be looked at: {error.message}",
            "give the restricted key read access to the account (Connect, Account), or look "
            "yourself that payouts are automatic",
        )
    else:
        yield _payouts(account)
        yield _time_zone(account, expected)
    yield await _currencies(door, expected)


def _key(api_key: str) -> Finding:
    wrong = ""
    if api_key.startswith("sk_"):
        wrong = "STRIPE_API_KEY is a secret key, which may do everything"
    elif "_test_" in api_key[:8]:
        wrong = "STRIPE_API_KEY is a key of the test mode: what it reads is no business"
    return verdict(
        "key",
        wrong=wrong,
        right="a restricted key",
        remedy="make a restricted key of the live mode that reads the objects of docs/connect.md",
        level="warning",
    )


async def _may_write(door: HttpDoor) -> Finding:
    call = Call("POST", f"/v1/customers/{NOBODY}", form=[("metadata[tieout]", "doctor")])
    may = ""
    try:
        await door.send(call)
    except Unauthorized:
        pass
    except (NotFound, Rejected):
        may = "the key that nights read with may write customers"
    return verdict(
        "read-only key",
        wrong=may,
        right="the key that nights read with may write no customer",
        remedy="make it read-only, and give dispatch a key of its own (STRIPE_WRITE_API_KEY)",
        level="warning",
    )


async def _version(door: HttpDoor) -> Finding:
    reply = await door.send(Call("GET", "/v1/events", params=[("limit", "1")]))
    made_with = {each.get("api_version") for each in reply.member("data")} - {API_VERSION, None}
    return verdict(
        "API version",
        wrong=f"events are made with {', '.join(made_with)}, not {API_VERSION}"
        if made_with
        else "",
        right=f"{API_VERSION}",
        remedy="nights work, but each changed record costs a call: set the account's default "
        f"version to {API_VERSION}",
        level="warning",
    )


def _payouts(account: Reply) -> Finding:
    settings = account.member("settings")
    interval = settings.get("payouts", {}).get("schedule", {}).get("interval")
    return verdict(
        "automatic payouts",
        wrong="payouts are made by hand: Stripe does not tell what such a payout is made of"
        if interval == "manual"
        else "",
        right=f"payouts are {interval or 'automatic'}",
        remedy="set the payout schedule to automatic; else payouts cannot be tied to charges, and "
        "PYT-COMP-01 and TO-PSP say so every night",
        level="error",
    )


def _time_zone(account: Reply, expected: Expected) -> Finding:
    zone = account.member("settings").get("dashboard", {}).get("timezone")
    zones = sorted(set(expected.entity_time_zone.values()))
    return verdict(
        "time zone",
        wrong=""
        if zone in {*zones, "Etc/UTC", "UTC"}
        else f"the account's is {zone}, that of no legal entity ({', '.join(zones)})",
        right=f"the account's is {zone}",
        remedy="its own reports cut days elsewhere than your books: set the dashboard's time zone, "
        "or correct legal_entities.csv",
        level="warning",
    )


async def _currencies(door: HttpDoor, expected: Expected) -> Finding:
    balance = await door.send(Call("GET", "/v1/balance"))
    held = {
        each["currency"].upper()
        for kind in ("available", "pending")
        for each in balance.member(kind)
    }
    unknown = ", ".join(sorted(held - expected.currencies))
    return verdict(
        "currencies",
        wrong=f"the balance holds {unknown}, which currencies.csv does not know" if unknown else "",
        right=f"{', '.join(sorted(held)) or 'none'} held, all known",
        remedy="add them to currencies.csv, and their rates to fx_rates.csv",
        level="error",
    )
