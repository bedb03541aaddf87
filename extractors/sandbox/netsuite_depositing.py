"""Posts deposits of NetSuite: what waits in Undeposited Funds, less cash back, into a bank."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from extractors.sandbox.netsuite_errors import NetSuiteError
from extractors.sandbox.netsuite_invoice import (
    Body,
    Checked,
    day,
    decimal,
    items,
    keep_creation,
    own_columns,
    precision_of,
    reference,
    remove_children,
    require_known,
    require_open_period,
    take_links,
)
from extractors.sandbox.reference import CARD_FEES, CLEARING
from extractors.sandbox.settlement_ledger import Banked, Header, deposit_rows
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record

_COLUMNS = ("memo", "custbody_q2c_correlation_id", "custbody_stripe_payout_id")
_FIELDS = {
    "tranId",
    "externalId",
    "tranDate",
    "postingPeriod",
    "account",
    "subsidiary",
    "currency",
    "exchangeRate",
    "payment",
    "cashback",
    *_COLUMNS,
}


def post_deposit(store: Store, body: Body, external_id: str | None, internal_id: str | None) -> str:
    """Take payments and refunds up, and put the rest into a bank; returns the internal id."""
    require_known(body, _FIELDS, "")
    bank = reference(store, body.get("account"), "account", "account")
    checked = Checked(store, {**body, "tranId": "-"}, None)
    key = internal_id or store.new_id("netsuite", "transaction")
    header = Header(
        internal_id=key,
        tranid=str(body.get("tranId") or f"DEP{key}"),
        entity_id=None,
        subsidiary=checked.reference("subsidiary", "subsidiary"),
        currency=checked.reference("currency", "currency"),
        exchange_rate=checked.exchange_rate(),
        trandate=day(body.get("tranDate"), "tranDate"),
        period_id=checked.period(),
        externalid=external_id,
        custbody=own_columns(body, _COLUMNS),
        at=store.tick(),
    )
    banked = _banked(store, header, body)
    fees, account = _cash_back(store, header, body)
    if not banked or sum(part.gross_minor for part in banked) < sum(fees.values()):
        detail = "The total amount of a deposit can not be negative, or of nothing."
        raise NetSuiteError(detail, "USER_ERROR", "payment")
    for table, rows in deposit_rows(header, banked, fees, bank, account).items():
        store.put_many("netsuite", table, rows)
    return key


def rebook_deposit(store: Store, record: Record, body: Body) -> None:
    """Let go what a deposit took up, and book it anew under its id; the body must be whole."""
    require_open_period(store, record["postingperiod"])
    take_links(store, record["id"])
    remove_children(store, record["id"])
    post_deposit(store, body, record["externalid"], record["id"])
    keep_creation(store, record)


def change_deposit(store: Store, record: Record, body: Body) -> None:
    """Change fields of the head that book nothing."""
    require_known(body, set(_COLUMNS), "")
    require_open_period(store, record["postingperiod"])
    store.put("netsuite", "transaction", {"id": record["id"], **body})


def _banked(store: Store, header: Header, body: Body) -> list[Banked]:
    given = items(body.get("payment"), "payment")
    return [_taken_up(store, header, line, f"payment.items[{n}]") for n, line in enumerate(given)]


def _taken_up(store: Store, header: Header, line: Body, place: str) -> Banked:
    """A payment or a refund that no deposit has taken up yet."""
    require_known(line, {"id", "deposit", "custcol_stripe_balance_id"}, place)
    key = reference(store, {"id": line.get("id")}, "transaction", f"{place}.id")
    member: Mapping[str, Any] = store.get("netsuite", "transaction", key) or {}
    main = store.rows("netsuite", "transactionline", transaction=key, mainline="T")
    booked = store.rows(
        "netsuite", "transactionaccountingline", transaction=key, account=CLEARING.id
    )
    taken = store.rows(
        "netsuite", "previoustransactionlinelink", previousdoc=key, linktype="Deposit"
    )
    is_its = (member["currency"], main[0]["subsidiary"]) == (header.currency, header.subsidiary)
    is_waiting = member["type"] in {"CustPymt", "CustRfnd"} and member["voided"] == "F" and booked
    if not (is_its and is_waiting) or taken or line.get("deposit") is not True:
        raise NetSuiteError("That payment cannot be deposited.", "USER_ERROR", f"{place}.id")
    minor = int(Decimal(member["foreigntotal"]).scaleb(precision_of(store, header.currency)))
    source = member["custbody_stripe_refund_id"] or member["custbody_stripe_charge_id"] or ""
    return Banked(str(line.get("custcol_stripe_balance_id") or "") or None, source, minor, key)


def _cash_back(store: Store, header: Header, body: Body) -> tuple[dict[str, int], str]:
    """What is kept back, by its memo, and the account that all of it is booked to."""
    given = items(body["cashback"], "cashback") if "cashback" in body else []
    fees: dict[str, int] = {}
    accounts = {CARD_FEES.id} if not given else set()
    precision = precision_of(store, header.currency)
    for number, line in enumerate(given):
        place = f"cashback.items[{number}]"
        require_known(line, {"account", "amount", "memo"}, place)
        accounts.add(reference(store, line.get("account"), "account", f"{place}.account"))
        amount = int(decimal(line.get("amount"), f"{place}.amount").scaleb(precision))
        name = str(line.get("memo") or number)
        fees[name] = fees.get(name, 0) + amount
    if len(accounts) != 1:
        raise NetSuiteError(
            "Here all cash back is booked to one account.", "USER_ERROR", "cashback"
        )
    return fees, accounts.pop()
