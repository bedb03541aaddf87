"""The official client against a Stripe server: what a user of it would do, one scene after the other.

The task: `base_url`, `api_key`, `objects` ({"invoices": {"keys", "amounts", "params"}}), and ids of
records that the scenes may change: `customer`, `shaky`, `lossy` (whose writes meet wire faults).
"""

import itertools
import operator
import time

import stripe
from wire import Rows, answer_scenes, task

TASK = task()
CLIENT = stripe.StripeClient(
    TASK["api_key"], base_addresses={"api": TASK["base_url"]}, max_network_retries=3
)
V1 = CLIENT.v1
LARGEST_PAGE = 100


def _read(name, wanted, limit):
    rows = Rows(wanted["keys"], wanted["amounts"])
    # `billing/meters` is V1.billing.meters, and `invoiceitems` V1.invoice_items.
    path = name.replace("/", ".").replace("invoiceitems", "invoice_items")
    listed = operator.attrgetter(path)(V1)
    listed = listed.list({"limit": limit, **wanted.get("params", {})})
    for record in listed.auto_paging_iter():
        rows.add(record)
    return rows.summary()


def auto_paging():
    """Every list to its end, in the largest pages."""
    return {name: _read(name, wanted, LARGEST_PAGE) for name, wanted in TASK["objects"].items()}


def small_pages():
    return _read("invoices", TASK["objects"]["invoices"], 7)


def backwards():
    """From the oldest customer towards the newest, by `ending_before`."""
    newest_first = [each.id for each in V1.customers.list({"limit": 100}).auto_paging_iter()]
    before = V1.customers.list({"limit": 3, "ending_before": newest_first[-1]})
    walked = [each.id for each in before.auto_paging_iter()]
    return {"walked": walked, "expected": newest_first[-2::-1]}


def created_windows():
    """Two windows that touch are the whole list, and no record is in both."""
    whole = [each.created for each in V1.invoices.list({"limit": 100}).auto_paging_iter()]
    middle = sorted(whole)[len(whole) // 2]
    early = V1.invoices.list({"limit": 100, "created": {"lt": middle}})
    late = V1.invoices.list({"limit": 100, "created": {"gte": middle}})
    sizes = [len(list(each.auto_paging_iter())) for each in (early, late)]
    return {"whole": len(whole), "parts": sizes}


def nested_lists():
    """Lines of invoices and items of subscriptions, the embedded lists paged to their end."""
    found = {}
    for name, inside in (("invoices", "lines"), ("subscriptions", "items")):
        parents = getattr(V1, name).list({"limit": 100, **TASK["objects"][name].get("params", {})})
        found[name] = {
            parent.id: sorted(part.id for part in parent[inside].auto_paging_iter())
            for parent in parents.auto_paging_iter()
        }
    return found


def expansion():
    plain = V1.invoices.list({"limit": 1}).data[0]
    whole = V1.invoices.retrieve(plain.id, {"expand": ["customer"]})
    return {"plain": plain.customer, "expanded": [whole.customer.object, whole.customer.id]}


def search():
    """The index of a search is behind: it is asked until it knows what was written."""
    V1.customers.update(TASK["customer"], {"metadata": {"searched": "yes"}})
    for _ in range(40):
        found = V1.customers.search({"query": "metadata['searched']:'yes'", "limit": 1})
        ids = [each.id for each in found.auto_paging_iter()]
        if ids:
            return ids
        time.sleep(0.5)
    return []


def form_encoding():
    """Nested values, unset values and characters that a form has to escape."""
    text = "Ünïted & Söns = 100 % [sic]"
    first = V1.customers.update(
        TASK["customer"], {"name": text, "metadata": {"a & b": "1 + 1 = [2]", "gone": "soon"}}
    )
    second = V1.customers.update(TASK["customer"], {"metadata": {"gone": ""}})
    return {
        "name": [text, first.name],
        "metadata": [first.metadata.to_dict(), second.metadata.to_dict()],
    }


def idempotency():
    """The same key: the same answer for the same request, a refusal for another."""
    options = {"idempotency_key": f"peer-{TASK['customer']}"}
    first = V1.customers.update(TASK["customer"], {"metadata": {"once": "1"}}, options)
    again = V1.customers.update(TASK["customer"], {"metadata": {"once": "1"}}, options)
    try:
        V1.customers.update(TASK["customer"], {"metadata": {"once": "2"}}, options)
        other = "accepted"
    except stripe.IdempotencyError as error:
        other = [type(error).__name__, error.http_status]
    replayed = again.last_response.headers.get("idempotent-replayed")
    return {"same": first == again, "replayed": replayed, "other": other}


def retries():
    """Two refusals with a 503, and a connection that breaks: the client comes through by itself."""
    change = {"metadata": {"tried": "yes"}}
    refused = V1.customers.update(TASK["shaky"], change)
    lost = V1.customers.update(TASK["lossy"], change)
    return {
        "written": [refused.metadata["tried"], lost.metadata["tried"]],
        "replayed": lost.last_response.headers.get("idempotent-replayed"),
    }


def _refused(call):
    try:
        call()
    except stripe.StripeError as error:
        about = error.error
        return [
            type(error).__name__,
            error.http_status,
            about and about.code,
            about and about.param,
        ]
    return "accepted"


def errors():
    stranger = stripe.StripeClient("sk_test_wrong", base_addresses={"api": TASK["base_url"]})
    return {
        "missing": _refused(lambda: V1.customers.retrieve("cus_missing")),
        "unknown_parameter": _refused(lambda: V1.customers.list({"no_such_thing": 1})),
        "page_too_large": _refused(lambda: V1.customers.list({"limit": 101})),
        "bad_cursor": _refused(lambda: V1.customers.list({"starting_after": "cus_missing"})),
        "bad_expansion": _refused(lambda: V1.customers.list({"expand": ["data.no_such_thing"]})),
        "wrong_key": _refused(stranger.v1.customers.list),
    }


def request_ids():
    """Each answer carries an id by which support finds the request."""
    listed = [V1.customers.list({"limit": 1}).last_response.request_id for _ in range(2)]
    return {"ids": listed, "different": listed[0] != listed[1]}


def events():
    """Events newest first, each about an object with an id."""
    seen = list(itertools.islice(V1.events.list({"limit": 100}).auto_paging_iter(), 500))
    stamps = [event.created for event in seen]
    about = all(event.data.object["id"] and event.data.object["object"] for event in seen)
    return {
        "count": len(seen),
        "newest_first": stamps == sorted(stamps, reverse=True),
        "about": about,
    }


answer_scenes(
    [
        auto_paging,
        small_pages,
        backwards,
        created_windows,
        nested_lists,
        expansion,
        events,
        search,
        form_encoding,
        idempotency,
        retries,
        errors,
        request_ids,
    ],
    TASK.get("scenes"),
)
