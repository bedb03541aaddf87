"""Building a world day by day, and carrying it on."""

from collections.abc import Callable
from datetime import date

from extractors.sandbox.reference import accounting_periods, netsuite_rows, period_id
from extractors.sandbox.schema import NETSUITE_DATETIME
from extractors.sandbox.store import Store
from extractors.sandbox.world import (
    add_ons,
    annual_value,
    balance,
    close,
    contracts,
    credit_notes,
    crm,
    customer_balance,
    daily,
    deposits,
    disputes,
    erp,
    families,
    invoices,
    metered,
    payments,
    ramps,
    refunds,
    renewals,
    subscriptions,
)
from extractors.sandbox.world.cast import CAST, end_of, first_day
from extractors.sandbox.world.deals import new_company, plan_company
from extractors.sandbox.world.metered import add_metered_catalogue
from extractors.sandbox.world.moments import DAY, MINUTE, add_months, moment, opening
from extractors.sandbox.world.prices import add_catalogue
from extractors.sandbox.world.rated import add_tiered_catalogue
from extractors.sandbox.world.records import Records, floor_of
from extractors.sandbox.world.state import Facts, World, load_world

_MODULES = (
    add_ons, annual_value, balance, close, contracts, credit_notes, crm, customer_balance, daily,
    deposits, disputes, erp, families, invoices, metered, payments, ramps, refunds, renewals,
    subscriptions,
)  # fmt: skip
_NAMES = (
    "amend", "amend_company", "apply_balance", "begin_phase", "begin_transfer", "bill_services",
    "cancel_company", "change_mailbox", "change_terms", "charge_card", "close_contract",
    "close_dispute", "close_month", "copy_mailbox", "copy_name", "copy_parent", "copy_status",
    "copy_terms", "credit", "day", "deposit_payout", "end_schedule", "end_transfer", "erp_customer",
    "finalize", "land_payout", "lead", "link_account", "link_erp", "lock_period", "open_dispute",
    "overdue", "pause", "pause_company", "pay_services", "post_credit", "post_dispute",
    "post_invoice", "post_payment", "post_refund", "post_void", "prospect", "provision", "rename",
    "renew", "renew_by_contract", "repost", "request_cancel", "resume", "roll_up", "sell_add_on",
    "set_standing", "settle_balance", "sign", "slip", "start_add_on", "succeed", "sync_items",
    "take_back", "take_over", "term_end", "terminate", "terminate_company", "use", "void",
    "wire",
)  # fmt: skip

HANDLERS: dict[str, Callable[..., None]] = {
    name: getattr(module, name) for name in _NAMES for module in _MODULES if hasattr(module, name)
}

_EARLY_SHARE = 0.75
_EARLY_DAYS = 50
_QUIET_DAYS = 6
_PROSPECTS_PER_CUSTOMER = 6
_PIPELINE_DAYS = 12


def build_world(
    store: Store,
    seed: int,
    customers: int = 300,
    months: int = 18,
    end: date = date(2026, 6, 30),
) -> None:
    """Simulate a company's systems up to `end`, and set the clock to 02:00 UTC of the next day.

    `customers` counts companies with a deal; at least as many as the cast has. The same arguments
    give the same records. The store must be empty.
    """
    if store.meta("world") is not None:
        raise ValueError("The store holds a world already")
    if customers < len(CAST):
        raise ValueError(f"A world has at least {len(CAST)} customers, not {customers}")
    first, until = first_day(end, months), end_of(end)
    start = opening(first)
    records = Records(store, floor=0, empty=True, until=until)
    facts = Facts(seed=seed, until=start, grows_from=until - _PIPELINE_DAYS * DAY)
    world = World(facts, records, frozenset())
    _set_up(world, start, first, end)
    _cast_and_plan(world, start, until, customers)
    # what it said on days before nobody can see any more
    world.schedule(until - MINUTE, "roll_up")
    world.run(until, HANDLERS)
    with store.transaction():
        world.save(store)
        store.set_clock(moment(until))


def advance_world(store: Store, days: int) -> None:
    """Let `days` more days happen; what is planted stays as it is."""
    if days < 1:
        raise ValueError(f"Time only goes forward, not by {days} days")
    records = Records(store, floor=floor_of(store), empty=False, until=0)
    world = load_world(store, records)
    until = world.facts.until + days * DAY
    world.run(until, HANDLERS)
    with store.transaction():
        world.save(store)
        store.set_clock(max(moment(until), store.now()))


def _set_up(world: World, start: int, first: date, end: date) -> None:
    """What the company has before its first customer."""
    records = world.records
    set_up = netsuite_rows(moment(start).strftime("%Y-%m-%d %H:%M:%S"))
    records.add_rows(set_up, start)
    oldest_open = period_id(add_months(first, -1))
    for period in accounting_periods(first.year - 1, end.year + 3):
        if period["isquarter"] == period["isyear"] == "F" and int(period["id"]) < int(oldest_open):
            closed_on = moment(start).strftime(NETSUITE_DATETIME)
            period |= {"closed": "T", "arlocked": "T", "closedondate": closed_on}
        records.add("netsuite", "accountingperiod", period, start)
    add_catalogue(world, start)
    add_tiered_catalogue(world, start)
    add_metered_catalogue(world, start)
    close.schedule_close(world, first.replace(day=1))
    world.schedule(start, "day")
    world.schedule(start + balance.SETTLES_AT, "settle_balance")


def _cast_and_plan(world: World, start: int, until: int, customers: int) -> None:
    for play in CAST:
        play(world, until)
    last = until - _QUIET_DAYS * DAY
    early = start + min(_EARLY_DAYS * DAY, (last - start) // 2)
    while len(world.facts.companies) < customers:
        who = new_company(world)
        is_early = world.rng("early", who.number).random() < _EARLY_SHARE
        plan_company(world, who, start if is_early else early, early if is_early else last)
    for number in range(customers // _PROSPECTS_PER_CUSTOMER):
        span = (until - start) // DAY - 1
        at = start + world.rng("prospect_at", number).randrange(DAY, span * DAY)
        world.schedule(at, "prospect", number=number)
