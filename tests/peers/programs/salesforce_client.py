"""simple-salesforce against a Salesforce server, one scene after the other.

The task: `base_url`, `client_id`, `client_secret`, `version`, `objects` ({"Account": {"keys",
"amounts", "columns"}}).
It insists on https and on the vendor's host names: the connection is diverted, nothing else is.
"""

import csv
import io
import logging

from wire import Rows, answer_scenes, divert, task

TASK = task()
HOST = "acme.my.salesforce.com"
divert({HOST: TASK["base_url"], "login.salesforce.com": TASK["base_url"]})

from simple_salesforce import Salesforce  # noqa: E402
from simple_salesforce import exceptions as refusals  # noqa: E402

logging.disable()
SMALL = {"Sforce-Query-Options": "batchSize=200"}
BULK_PAGE = 40
KEY = "Q2C_Customer_Key__c"


def _login(secret=TASK["client_secret"]):
    return Salesforce(
        consumer_key=TASK["client_id"],
        consumer_secret=secret,
        domain=HOST.removesuffix(".salesforce.com"),
        version=TASK["version"],
    )


CRM = _login()


def _soql(name):
    return f"SELECT {', '.join(TASK['objects'][name]['columns'])} FROM {name}"


def _summary(name, records):
    wanted = TASK["objects"][name]
    rows = Rows(wanted["keys"], wanted["amounts"])
    for record in records:
        rows.add(record)
    return rows.summary()


def query_all():
    return {name: _summary(name, CRM.query_all(_soql(name))["records"]) for name in TASK["objects"]}


def small_pages():
    """nextRecordsUrl followed by hand, in the smallest batches that the vendor allows."""
    page = CRM.query(_soql("Contract_Line__c"), headers=SMALL)
    sizes, records = [len(page["records"])], page["records"]
    while not page["done"]:
        page = CRM.query_more(page["nextRecordsUrl"], identifier_is_url=True, headers=SMALL)
        sizes.append(len(page["records"]))
        records += page["records"]
    return {"sizes": sizes, "total": page["totalSize"], **_summary("Contract_Line__c", records)}


def deleted_rows():
    """A deleted record is found by queryAll alone."""
    made = CRM.Account.create({"Name": "Short-lived"})["id"]
    CRM.Account.delete(made)
    soql = f"SELECT Id, IsDeleted FROM Account WHERE Id = '{made}'"
    live = CRM.query_all(soql)["totalSize"]
    gone = CRM.query_all(soql, include_deleted=True)["records"]
    return {"live": live, "deleted": [record["IsDeleted"] for record in gone]}


def bulk():
    """Bulk 2.0: a job, its result in pages by locator until that is the string "null"."""
    pages = list(CRM.bulk2.Contract_Line__c.query(_soql("Contract_Line__c"), BULK_PAGE))
    records = [row for page in pages for row in csv.DictReader(io.StringIO(page))]
    return {"pages": len(pages), **_summary("Contract_Line__c", records)}


def bulk_all():
    """Every object as a job of its own, in pages as large as the client makes them."""
    found = {}
    for name in TASK["objects"]:
        pages = getattr(CRM.bulk2, name).query(_soql(name))
        found[name] = _summary(
            name, (row for page in pages for row in csv.DictReader(io.StringIO(page)))
        )
    return found


def bulk_query_all():
    made = CRM.Account.create({"Name": "Short-lived in bulk"})["id"]
    CRM.Account.delete(made)
    soql = "SELECT Id, IsDeleted FROM Account"
    found = {}
    for operation in ("query", "query_all"):
        pages = getattr(CRM.bulk2.Account, operation)(soql)
        rows = {row["Id"]: row for page in pages for row in csv.DictReader(io.StringIO(page))}
        found[operation] = rows.get(made, {}).get("IsDeleted")
    return found


def bulk_refusal():
    return _refused(lambda: list(CRM.bulk2.Account.query("SELECT Nonsense FROM Account")))


def upsert():
    """Created, then changed: 201 and 200, by a key of ours."""
    statuses = [CRM.Account.upsert(f"{KEY}/peer-1", {"Name": name}) for name in ("One", "Two")]
    read = CRM.Account.get_by_custom_id(KEY, "peer-1")
    return {"statuses": statuses, "name": read["Name"]}


def _collection(records, *, all_or_none):
    typed = [{"attributes": {"type": "Account"}, **record} for record in records]
    body = {"allOrNone": all_or_none, "records": typed}
    return CRM.restful(f"composite/sobjects/Account/{KEY}", method="PATCH", json=body)


def collections():
    """A verdict per record; with allOrNone one bad record takes the good ones back."""
    mixed = [{KEY: "peer-2", "Name": "Good"}, {KEY: "peer-3", "Nom": "Bad"}]
    apart = _collection(mixed, all_or_none=False)
    together = _collection(
        [{KEY: "peer-4", "Name": "Good"}, {KEY: "peer-5", "Nom": "Bad"}], all_or_none=True
    )
    left = CRM.query(f"SELECT Id FROM Account WHERE {KEY} IN ('peer-2', 'peer-4')")["totalSize"]
    codes = [
        [error["statusCode"] for row in rows for error in row["errors"]]
        for rows in (apart, together)
    ]
    return {
        "success": [[row["success"] for row in rows] for rows in (apart, together)],
        "codes": codes,
        "left": left,
    }


def composite():
    """Each call of a composite has headers and an answer of its own (the client has no method)."""
    made = CRM.Account.create({"Name": "Composed"})["id"]
    path = f"/services/data/v{TASK['version']}/sobjects/Account"
    old = {"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}
    parts = [
        {"referenceId": "read", "method": "GET", "url": f"{path}/{made}"},
        {"referenceId": "stale", "method": "PATCH", "url": f"{path}/{made}", "httpHeaders": old},
        {"referenceId": "good", "method": "PATCH", "url": f"{path}/{made}"},
        {"referenceId": "wrong", "method": "PATCH", "url": f"{path}/{made}"},
    ]
    for part, body in zip(parts[1:], ({"Name": "a"}, {"Name": "b"}, {"Nom": "c"}), strict=True):
        part["body"] = body
    whole = CRM.restful("composite", method="POST", json={"compositeRequest": parts})
    statuses = {part["referenceId"]: part["httpStatusCode"] for part in whole["compositeResponse"]}
    name = CRM.Account.get(made)["Name"]
    CRM.Account.delete(made)
    return {"statuses": statuses, "name": name}


def _refused(call):
    try:
        call()
    except refusals.SalesforceAuthenticationFailed as error:
        return [type(error).__name__, error.code]
    except refusals.SalesforceError as error:
        content = error.content
        code = content[0]["errorCode"] if isinstance(content, list) else str(content)
        return [type(error).__name__, error.status, code]
    return "accepted"


def errors():
    stale = Salesforce(session_id="00Dnonsense", instance=HOST, version=TASK["version"])
    return {
        "field": _refused(lambda: CRM.query("SELECT Nonsense FROM Account")),
        "object": _refused(lambda: CRM.query("SELECT Id FROM Nonsense")),
        "syntax": _refused(lambda: CRM.query("SELECT FROM")),
        "missing": _refused(lambda: CRM.Account.get("001000000000000AAA")),
        "session": _refused(lambda: stale.query("SELECT Id FROM Account")),
        "secret": _refused(lambda: _login("wrong")),
    }


def assertion():
    """A login by a JWT that the integration's key has signed, at the vendor's own login host."""
    jwt = TASK["jwt"]
    crm = Salesforce(
        username=jwt["username"],
        consumer_key=jwt["client_id"],
        privatekey_file=jwt["private_key_path"],
        version=TASK["version"],
    )
    return crm.query("SELECT Id FROM Account LIMIT 1")["totalSize"]


def limits():
    """The header that tells what is left of the day's calls."""
    CRM.query("SELECT Id FROM Account LIMIT 1")
    usage = CRM.api_usage["api-usage"]
    return {
        "used": usage.used,
        "total": usage.total,
        "daily": CRM.limits()["DailyApiRequests"]["Max"],
    }


def describe():
    fields = {field["name"]: field["type"] for field in CRM.Opportunity.describe()["fields"]}
    return {
        name: fields[name]
        for name in ("Id", "AccountId", "Amount", "CloseDate", "SystemModstamp", "IsWon")
    }


SCENES = [
    query_all,
    small_pages,
    deleted_rows,
    bulk,
    bulk_query_all,
    bulk_refusal,
    upsert,
    collections,
    composite,
    errors,
    assertion,
    limits,
    describe,
]
# The client waits five seconds for a job: all objects by jobs are read only where that is asked.
answer_scenes([*SCENES, bulk_all] if TASK.get("scenes") else SCENES, TASK.get("scenes"))
