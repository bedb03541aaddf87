"""What is corrected and undone is as it was, for every class of which a write can be undone.

All records of all three systems are compared, stamps left out. What an undo leaves by nature counts
by what it means: of a new document its sums (by account, month, and what is open of it), of parts of
periods what they come to, of a record
that we made whether it is in use, of a draft that went out and was voided that it asks for nothing.
"""

import asyncio
import sqlite3
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from extractors.registry import open_target
from extractors.sandbox.schema import TABLES
from extractors.sandbox.store import Store
from reconcilers.corrections.approval import approve
from reconcilers.corrections.compensate import compensate
from reconcilers.corrections.correction import UNDOING
from reconcilers.corrections.dispatch import dispatch
from reconcilers.corrections.endings import ARRIVAL
from reconcilers.corrections.undos import UNDONE_BY
from reconcilers.state import State, open_state
from reconcilers.state.audit import verify_audit
from reconcilers.state.views import list_corrections
from tests.correction_samples import SEALS, plan_into
from tests.drift_samples import drift
from tests.plan_facts import context
from tests.undo_scenes import ALIKE, SCENES, found
from tests.unit.reconcilers.test_compensate import WRITES
from tests.wire.vendors import Vendors, running

SYSTEMS = ("salesforce", "stripe", "netsuite")
UNDOABLE = sorted(
    (rule for rule, action in WRITES.items() if action in UNDONE_BY),
    key=lambda rule: (rule[0], rule[1] or ""),
)
STAMPS = {
    "SystemModstamp", "LastModifiedDate", "CreatedDate", "lastmodifieddate", "datecreated",
    "createddate", "created", "updated", "Effective_At__c", "custbody_status_changed_at",
    "next_invoice_sequence",  # a number that was given is given
}  # fmt: skip
DOCUMENTS = {
    "transaction", "transactionline", "transactionaccountingline", "previoustransactionlinelink",
    "revenueplan", "revenueplanline",
}  # fmt: skip
WRITING = (
    *({"system": each, "method": "PATCH"} for each in ("salesforce", "netsuite")),
    {"system": "netsuite", "method": "PUT"},
    {"system": "netsuite", "method": "POST", "path": "/record/"},
    {"system": "stripe", "method": "POST"},
    {"system": "stripe", "method": "DELETE"},
)
RETIRED = {
    ("netsuite", "customer"): ("isinactive", "T"),
    ("salesforce", "Account"): ("Type", "Inactive"),
    ("salesforce", "Opportunity"): ("StageName", "Closed Lost"),
    ("stripe", "price"): ("active", False),
    ("stripe", "subscription_schedule"): ("status", "canceled"),
}


@dataclass(frozen=True)
class Books:
    """What the company's records say: each that stands alone, and what documents come to."""

    records: dict[tuple[str, ...], Any]
    sums: dict[tuple[str, ...], Decimal]

    @classmethod
    def of(cls, store: Store) -> "Books":
        """All that is in use."""
        records: dict[tuple[str, ...], Any] = {}
        for system, kind in _kinds(store):
            flag, retired = RETIRED.get((system, kind), ("", ...))
            for row in store.rows(system, kind):
                if row.get(flag) != retired:
                    _keep(records, system, kind, row)
        return cls(records, _sums(store))

    def since(self, before: "Books") -> dict[tuple[str, ...], Any]:
        """What each record says otherwise: what it said, and says; of new documents only the sums count."""
        new = self.records.keys() - before.records.keys()
        posted = {key[2] for key in new if key[1] == "transaction"}
        counted = [
            key
            for key in {*self.records, *before.records}
            if not (key[1] in DOCUMENTS and key[2] in posted)
        ]
        return {
            key: _apart(before.records.get(key), self.records.get(key))
            for key in counted
            if self.records.get(key) != before.records.get(key)
        }


def _apart(was: Any, says: Any) -> Any:
    """The fields that differ, where both are there."""
    if not (isinstance(was, dict) and isinstance(says, dict)):
        return was, says
    names = {*was, *says}
    return {
        name: _apart(was.get(name), says.get(name))
        for name in names
        if was.get(name) != says.get(name)
    }


def _kinds(store: Store) -> list[tuple[Any, str]]:
    of_stripe = {kind for (kind,) in store.query("SELECT DISTINCT object FROM stripe")}
    traces = {"event", "systemnote", "deletedrecord"}
    kinds = [*TABLES, *(("stripe", kind) for kind in sorted(of_stripe))]
    return [each for each in kinds if each[1] not in traces and not each[1].endswith("History")]


def _keep(records: dict[tuple[str, ...], Any], system: str, kind: str, row: dict[str, Any]) -> None:
    """By its key; lines and plans by their document, so that it is known of which they are."""
    said, table = _said(row), TABLES.get((system, kind))
    if kind == "revenueplanline" or row.get("proration"):
        return  # the sums tell
    if kind == "revenueplan":
        key: tuple[str, ...] = (row["sourcetransaction"], row["sourceline"])
        del said["id"]
    elif kind == "previoustransactionlinelink":
        key = (row["nextdoc"], row["previousdoc"])
    else:
        key = tuple(str(row[part]) for part in (table.key if table else ("id",)))
    if (system, kind) == ("stripe", "subscription"):
        said["items"] = sorted(str(_item(each)) for each in row["items"]["data"])
    if (system, kind) == ("stripe", "invoice") and row["status"] in {"draft", "void"}:
        said = {}  # it asks for nothing
    records[system, kind, *key] = said


def _item(item: dict[str, Any]) -> dict[str, Any]:
    """What an item bills; an item or a discount that is made anew has an id of its own."""
    coupons = [each["source"]["coupon"]["id"] for each in item.get("discounts") or ()]
    named = {name: item.get(name) or {} for name in ("quantity", "metadata")}
    return {"price": item["price"]["id"], "coupons": coupons, **named}


def _said(value: Any) -> Any:
    """Without stamps and what is empty; a number is the same however it is written."""
    if isinstance(value, dict):
        kept = ((name, _said(each)) for name, each in value.items() if name not in STAMPS)
        return {name: each for name, each in kept if each not in (None, "", [], {})}
    if isinstance(value, list):
        return [_said(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    try:
        return Decimal(str(value)).normalize()
    except InvalidOperation:
        return value


def _sums(store: Store) -> dict[tuple[str, ...], Decimal]:
    """Of all documents: by account and month, what is open by customer, what is yet to be earned."""
    sums: defaultdict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    documents = {row["id"]: row for row in store.rows("netsuite", "transaction")}
    for row in store.rows("netsuite", "transactionaccountingline"):
        month = documents[row["transaction"]]["postingperiod"]
        sums["account", row["account"], month] += Decimal(row["debit"] or 0) - Decimal(
            row["credit"] or 0
        )
    for document in documents.values():
        sums["open", str(document["entity"])] += Decimal(document["foreignamountunpaid"] or 0)
    for row in store.rows("netsuite", "revenueplanline"):
        sums["revenue", row["periodname"]] += Decimal(row["amount"])
    for row in store.rows("stripe", "invoiceitem"):
        if row["proration"]:
            sums["part of a period", row["customer"]] += row["amount"]
    return {key: total for key, total in sums.items() if total}


class Place:
    """A company on loopback servers and an outbox, both as new for each example."""

    def __init__(self, company: Vendors, state: State) -> None:
        self.company, self.state = company, state
        self._pristine = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
        self._kept = state.engine.raw_connection()
        self._books = sqlite3.connect(company.store.path)
        for source, copy in zip(
            (self._books, self._kept.driver_connection), self._pristine, strict=True
        ):
            source.backup(copy)

    def begin(self) -> None:
        for copy, target in zip(
            self._pristine, (self._books, self._kept.driver_connection), strict=True
        ):
            copy.backup(target)

    def close(self) -> None:
        self._kept.close()
        for each in (*self._pristine, self._books):
            each.close()

    def agree(self) -> None:
        for actor in ("ann", "eve"):
            waiting = list_corrections(self.state, states=("proposed", "held"))
            approve(self.state, [each.correction_id for each in waiting], actor, "", self.now())

    def send(self, *, answer_lost: bool) -> None:
        """Dispatch; the first write of each kind may take effect and lose its answer."""
        faults = [{**each, "times": 1, "lose_answer": True} for each in WRITING]
        self.company.store.set_meta("request_faults", faults if answer_lost else None)
        for _ in range(2):
            asyncio.run(self._dispatch())
            self.company.store.set_meta("request_faults", None)
            if not list_corrections(self.state, states=("approved", "unknown", "sending")):
                return
            self.company.store.advance_clock(2 * ARRIVAL)

    async def _dispatch(self) -> None:
        async with AsyncExitStack() as stack:
            targets = {
                system: await stack.enter_async_context(open_target(self.company.config(system)))
                for system in SYSTEMS
            }
            await dispatch(self.state, targets, self.now, seals=SEALS)

    def now(self) -> Any:
        return self.company.store.now()


@pytest.fixture(scope="module")
def place(tmp_path_factory, vendor_secrets):
    state = open_state("sqlite://")
    with running(tmp_path_factory.mktemp("undo"), vendor_secrets) as company:
        found(company)
        made = Place(company, state)
        yield made
        made.close()
    state.close()


def holds(
    place: Place, rule: tuple[str, str | None], n: int, *, apply_lost: bool, undo_lost: bool
) -> None:
    place.begin()
    company, state = place.company, place.state
    row, facts = SCENES[rule](company, n)
    before = Books.of(company.store)
    plan_into(state, drift(row), context(**facts), place.now())
    (planned,) = list_corrections(state)
    assert planned.action == WRITES[rule], planned
    place.agree()
    place.send(answer_lost=apply_lost)
    (taken,) = list_corrections(state)
    assert taken.state == "accepted", taken
    changed = Books.of(company.store)
    assert changed != before
    compensate(state, [taken.correction_id], "ben", "wrong", place.now())
    place.agree()
    place.send(answer_lost=undo_lost)
    states = [(each.action, each.state, each.state_reason) for each in list_corrections(state)]
    assert {each[1] for each in states} == {"accepted", "compensated"}, states
    after = Books.of(company.store)
    assert after.since(before) == {}
    assert after.sums == before.sums
    assert verify_audit(state).holds


def test_every_class_that_can_be_undone_has_a_scene():
    assert {*SCENES, *ALIKE} == {*UNDOABLE}
    assert {WRITES[rule] for rule in SCENES} == {*UNDONE_BY} - {*UNDOING}


drawn = {"n": st.integers(0, 60), "apply_lost": st.booleans(), "undo_lost": st.booleans()}


@settings(max_examples=5, deadline=None, phases=[Phase.generate])
@given(rule=st.sampled_from([*SCENES]), **drawn)
def test_what_was_corrected_and_undone_is_as_it_was(place, rule, n, apply_lost, undo_lost):
    holds(place, rule, n, apply_lost=apply_lost, undo_lost=undo_lost)


@pytest.mark.slow
@pytest.mark.parametrize("rule", SCENES, ids=str)
@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@given(**drawn)
def test_of_every_class(place, rule, n, apply_lost, undo_lost):
    holds(place, rule, n, apply_lost=apply_lost, undo_lost=undo_lost)
