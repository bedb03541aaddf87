"""What of an account's set-up has stood in the way of others: looked at before the first night."""

from collections.abc import AsyncIterator
from datetime import timedelta

from extractors.calls import Call
from extractors.erp.netsuite.records import fields_of, path_of
from extractors.erp.netsuite.suiteql import ask, items
from extractors.errors import NotFound, Rejected, SourceError, Unauthorized
from extractors.findings import Expected, Finding, verdict
from extractors.http import HttpDoor

# Internal ids are positive: nobody's record is written by the one call that would write.
NOBODY = "-999999"
# How many days ahead there has to be a period already.
AHEAD = timedelta(days=7)


async def traps(door: HttpDoor, expected: Expected) -> AsyncIterator[Finding]:
    """Changes nothing: the one call that would write names a customer that nobody is."""
    yield await _may_write(door)
    yield await _periods(door, expected)
    yield await _currencies(door, expected)
    yield await _entities(door, expected)
    yield await _external_ids(door)
    yield await _tax_override(door)
    yield await _people(door, expected)


async def _may_write(door: HttpDoor) -> Finding:
    may = ""
    try:
        await door.send(Call("PATCH", path_of("customer", NOBODY), json={"comments": ""}))
    except Unauthorized:
        pass
    except (NotFound, Rejected):
        may = "the role that nights read with may edit customers"
    return verdict(
        "read-only role",
        wrong=may,
        right="the role that nights read with may edit no customer",
        remedy="give it view access alone, and dispatch a role of its own (NETSUITE_WRITE_*)",
        level="warning",
    )


async def _periods(door: HttpDoor, expected: Expected) -> Finding:
    rows = await _rows(
        door,
        "SELECT TO_CHAR(startdate, 'YYYY-MM-DD') AS first, TO_CHAR(enddate, 'YYYY-MM-DD') AS last, "
        "periodname AS name, closed FROM accountingperiod WHERE isquarter = 'F' AND isyear = 'F'",
    )
    wrong = []
    for day, when in ((expected.today, "today"), (expected.today + AHEAD, "in a week")):
        covering = [row for row in rows if row["first"] <= day.isoformat() <= row["last"]]
        if not covering:
            wrong.append(f"no period covers {day} ({when})")
        wrong += [
            f"{row['name']}, of {when}, is closed" for row in covering if row["closed"] == "T"
        ]
    return verdict(
        "accounting periods",
        wrong="; ".join(dict.fromkeys(wrong)),
        right=f"{len(rows)} periods, those of today and the coming week are open",
        remedy="set the periods up (Setup > Accounting > Manage Accounting Periods): nothing can "
        "be posted into what is not there",
        level="error",
    )


async def _currencies(door: HttpDoor, expected: Expected) -> Finding:
    symbols = {row["symbol"] for row in await _rows(door, "SELECT symbol FROM currency")}
    unknown = ", ".join(sorted(symbols - expected.currencies))
    return verdict(
        "currencies",
        wrong=f"{unknown}: not in currencies.csv" if unknown else "",
        right=f"all {len(symbols)} are known",
        remedy="add them to currencies.csv, and their rates to fx_rates.csv",
        level="error",
    )


async def _entities(door: HttpDoor, expected: Expected) -> Finding:
    """Books and files agree on who there is, in which currency and time zone."""
    rows = await _rows(
        door,
        "SELECT s.custrecord_entity_code AS code, s.custrecord_timezone AS zone, "
        "c.symbol AS currency FROM subsidiary s LEFT JOIN currency c ON c.id = s.currency",
    )
    books = {row["code"]: row for row in rows if row.get("code")}
    wrong = [
        f"no subsidiary has the code {code}" for code in expected.entity_currency.keys() - books
    ]
    wrong += [
        f"legal_entities.csv lacks {code}" for code in books.keys() - expected.entity_currency
    ]
    for code in sorted(books.keys() & expected.entity_currency.keys()):
        for name, ours in (
            ("currency", expected.entity_currency[code]),
            ("zone", expected.entity_time_zone[code]),
        ):
            if (theirs := books[code].get(name)) != ours:
                wrong.append(f"{code}: {name} is {theirs}, in legal_entities.csv {ours}")
    return verdict(
        "legal entities",
        wrong="; ".join(wrong),
        right=f"{len(books)} subsidiaries, with the currencies and time zones of the file",
        remedy="correct legal_entities.csv, or custrecord_entity_code and custrecord_timezone: "
        "months are cut by that time zone",
        level="error",
    )


async def _external_ids(door: HttpDoor) -> Finding:
    """Tieout posts an invoice under billing's id; who else uses the field would be overwritten."""
    where = "type = 'CustInvc' AND externalid IS NOT NULL AND externalid NOT LIKE 'in%'"
    rows = await _rows(
        door, f"SELECT COUNT(*) AS n, MIN(externalid) AS one FROM transaction WHERE {where}"
    )
    count, one = rows[0]["n"], rows[0].get("one")
    return verdict(
        "external ids",
        wrong=f"{count} invoices have external ids of somebody else, such as {one}"
        if int(count)
        else "",
        right="no invoice has an external id of somebody else",
        remedy="find out which integration owns externalId: two that write it make second copies "
        "of an invoice; keep INV-MISS-01 at report until then",
        level="warning",
    )


async def _tax_override(door: HttpDoor) -> Finding:
    known = await fields_of(door, ["invoice"])
    wrong = ""
    if known is None:
        wrong = "the role may not see what fields an invoice has"
    elif "taxdetails" not in known:
        wrong = "invoices have no taxDetails: SuiteTax is off, or the role lacks it"
    return verdict(
        "tax override",
        wrong=wrong,
        right="invoices take tax as billing charged it (taxDetailsOverride)",
        remedy="enable SuiteTax and let the role override tax details; else the ERP computes "
        "another tax and every posted invoice drifts (TAX-AMT-01)",
        level="warning" if known is None else "error",
    )


async def _people(door: HttpDoor, expected: Expected) -> Finding:
    """Edits of an integration that is not listed would count as edits by hand."""
    subject = "integration users"
    try:
        rows = await _rows(
            door, "SELECT name AS who, COUNT(*) AS n FROM systemnote GROUP BY name ORDER BY n DESC"
        )
    except SourceError as error:
        return Finding(
            subject,
            "warning",
            f"system notes cannot be looked at: {error.message}",
            "give the role View on Notes Tab and system notes",
        )
    listed = {str(row["who"]) for row in rows} & expected.people_are_not
    return verdict(
        subject,
        wrong=""
        if listed or not rows
        else "no user of integration_users.csv ever changed a record",
        right=f"{len(listed)} of integration_users.csv change records",
        remedy="list the ids of your integrations there: else what they change counts as edited "
        "by hand (JE-EDIT-01)",
        level="warning",
    )


async def _rows(door: HttpDoor, query: str) -> list[dict[str, str]]:
    return items(await ask(door, query))
