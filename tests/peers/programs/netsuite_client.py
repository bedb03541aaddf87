"""The `netsuite` client (token-based OAuth 1.0a) against a NetSuite server, scene after scene.

The task: `base_url`, `account` and the four secrets of a token, `objects` ({"transaction": {"keys",
"amounts", "columns"}}). Its addresses are built in one place, which is pointed at loopback: it signs that URL.
"""

import asyncio
import json
import logging

from netsuite import Config, NetSuiteRestApi
from netsuite.exceptions import NetsuiteAPIRequestError
from wire import Rows, answer_scenes, task

TASK = task()
LARGEST_PAGE = 1000
SECRETS = ("consumer_key", "consumer_secret", "token_id", "token_secret")
logging.disable()


class Loopback(NetSuiteRestApi):
    def _make_url(self, subpath):
        return f"{TASK['base_url']}/services/rest{subpath}"


def _client(**changed):
    secrets = {name: TASK[name] for name in SECRETS} | changed
    return Loopback(Config(account=TASK["account"], auth=secrets))


ERP = _client()


def _select(name):
    wanted = TASK["objects"][name]
    columns = ", ".join(f"{column} AS {column}" for column in wanted["columns"])
    return f"SELECT {columns} FROM {name} ORDER BY {', '.join(wanted['keys'])}"


async def _pages(query, limit):
    offset = 0
    while True:
        page = await ERP.suiteql(q=query, limit=limit, offset=offset)
        yield page
        if not page["hasMore"]:
            return
        offset += limit


async def _read(name, limit):
    rows = Rows(TASK["objects"][name]["keys"], TASK["objects"][name]["amounts"])
    sizes = []
    async for page in _pages(_select(name), limit):
        sizes.append(len(page["items"]))
        for item in page["items"]:
            rows.add(item)
    return {**rows.summary(), "sizes": sizes, "total": page["totalResults"]}


async def suiteql():
    return {name: await _read(name, LARGEST_PAGE) for name in TASK["objects"]}


async def small_pages():
    return await _read("transaction", 100)


async def shapes():
    """Every value a string, nulls left out, names in lower case."""
    page = await ERP.suiteql(q="SELECT * FROM customer", limit=5)
    items = [{k: v for k, v in item.items() if k != "links"} for item in page["items"]]
    values = [value for item in items for value in item.values()]
    names = {name for item in items for name in item}
    return {
        "strings": all(isinstance(value, str) for value in values),
        "lower": all(name == name.lower() for name in names),
        "links": all("links" in item for item in page["items"]),
    }


async def upsert():
    """PUT by external id creates, then changes; the body of the answer is empty."""
    path = "/record/v1/customer/eid:PEER-1"
    body = {"companyName": "Peer One", "subsidiary": {"id": "3"}}
    first = await ERP.put(path, json=body)
    second = await ERP.put(path, json={"companyName": "Peer Two"})
    read = await ERP.get(path)
    found = await ERP.suiteql(q="SELECT companyname FROM customer WHERE externalid = 'PEER-1'")
    return {
        "answers": [first, second],
        "read": read["companyName"],
        "rows": [item["companyname"] for item in found["items"]],
    }


async def _refused(call):
    try:
        await call
    except NetsuiteAPIRequestError as error:
        details = json.loads(error.response_text)["o:errorDetails"][0]
        return [error.status_code, details["o:errorCode"]]
    return "accepted"


async def errors():
    return {
        "offset": await _refused(ERP.suiteql(q="SELECT id FROM customer", limit=10, offset=5)),
        "limit": await _refused(ERP.suiteql(q="SELECT id FROM customer", limit=1001)),
        "syntax": await _refused(ERP.suiteql(q="SELECT FROM customer")),
        "table": await _refused(ERP.suiteql(q="SELECT id FROM nonsense")),
        "write": await _refused(ERP.suiteql(q="DELETE FROM customer")),
        "record": await _refused(ERP.get("/record/v1/customer/999999")),
        "field": await _refused(ERP.put("/record/v1/customer/eid:PEER-1", json={"nonsense": "1"})),
        "transient": await _refused(
            ERP.suiteql(q="SELECT id FROM customer", headers={"Prefer": "respond-async"})
        ),
    }


async def signatures():
    """What is not signed with all four secrets, by this account, does not get in."""
    query = "SELECT id FROM customer"
    refused = {
        name: await _refused(_client(**{name: "wrong"}).suiteql(q=query)) for name in SECRETS
    }
    elsewhere = Loopback(Config(account="7654321", auth={name: TASK[name] for name in SECRETS}))
    return refused | {"account": await _refused(elsewhere.suiteql(q=query))}


async def side_by_side():
    """Ten at once: what the vendor's limit refuses is refused as 429, and nothing else fails."""
    query = "SELECT id FROM transaction"
    answers = await asyncio.gather(*(_refused(ERP.suiteql(q=query, limit=1000)) for _ in range(10)))
    return [answer for answer in answers if answer != "accepted"]


async def catalogue():
    """The fields of a record, as the vendor describes them."""
    schema = await ERP.jsonschema("customer")
    return sorted({"companyName", "id", "subsidiary"} & schema["properties"].keys())


def _played(scene):
    def play():
        return asyncio.run(scene())

    play.__name__ = scene.__name__
    return play


answer_scenes(
    [
        _played(scene)
        for scene in (
            suiteql,
            small_pages,
            shapes,
            upsert,
            errors,
            signatures,
            side_by_side,
            catalogue,
        )
    ],
    TASK.get("scenes"),
)
