"""What the simulation remembers from one day to the next: its agenda and the facts about deals.

Everything else is read from the vendors' records, so that the simulation carries on from what they
say even when somebody else has corrected them.
"""

import heapq
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any, Literal

from extractors.sandbox.reference import LEGAL_ENTITIES, LegalEntity
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY, HOUR, MINUTE, NIGHTLY
from extractors.sandbox.world.records import Records

META = "world"
FROZEN = "frozen"
"""Meta key: subjects of planted drift ('invoice:in_...') that the simulation must not touch."""

Channel = Literal["sales_led", "self_serve"]
PayBy = Literal["card", "transfer", "wire"]


@dataclass
class Company:
    """A customer company; what it was called and where it sat when it was first met.

    `customers` maps a currency to the Stripe customer; `quirks` makes it behave in a set way.
    """

    number: int
    entity: str
    channel: Channel
    name: str
    domain: str
    email: str
    tax_id: str | None
    street: str
    city: str
    postal_code: str
    country: str
    currency: str
    pay_by: PayBy
    terms: int
    account_id: str | None = None
    opportunity_id: str | None = None
    erp_id: str | None = None
    customers: dict[str, str] = field(default_factory=dict)
    quirks: dict[str, int] = field(default_factory=dict)

    @property
    def is_scripted(self) -> bool:
        """Whether chance leaves this company alone."""
        return "scripted" in self.quirks

    @property
    def legal_entity(self) -> LegalEntity:
        return LEGAL_ENTITIES[self.entity]


@dataclass
class SoldLine:
    """A product in a deal: `unit_minor` is the price of a unit per `period`, before discount."""

    sku: str
    quantity: int
    unit_minor: int
    period: Literal["Month", "Year"] = "Month"
    discount: str = "0"
    is_split: bool = False
    contract_line_id: str | None = None
    first_month: int = 0
    months: int | None = None
    """A step of a ramp begins `first_month` months into the contract and lasts `months`; None: to
    its end."""


@dataclass
class Deal:
    """A sale: signed, then carried into billing at `provision_at` (never when that is None).

    `interval` is the number of months between invoices, `term` the length of the contract in
    months; `trial_until` delays the first payable period.
    """

    company: int
    currency: str
    interval: int
    term: int
    lines: list[SoldLine]
    signed_at: int
    starts_at: int
    provision_at: int | None
    trial_until: int | None = None
    anchor_day: int | None = None
    """Day of the month on which periods begin, when it is not the day of `provision_at`."""
    is_draft: bool = False
    contract_id: str | None = None
    opportunity_id: str | None = None

    @classmethod
    def load(cls, saved: dict[str, Any]) -> "Deal":
        return cls(**(saved | {"lines": [SoldLine(**line) for line in saved["lines"]]}))


@dataclass
class Subscribed:
    """A subscription's course: period `cycle` of `interval` months, counted from `anchor`."""

    id: str
    company: int
    anchor: int
    anchor_day: int
    interval: int
    cycle: int = 0
    contract_id: str | None = None
    crm_id: str | None = None
    is_live: bool = True


@dataclass
class Facts:
    """All that is kept between two advances; plain JSON values only."""

    seed: int
    until: int
    """The simulation has happened up to here."""
    grows_from: int
    """From this day on new customers come by chance instead of by plan."""
    sequence: int = 0
    agenda: list[tuple[int, int, str, dict[str, Any]]] = field(default_factory=list)
    companies: list[Company] = field(default_factory=list)
    subscriptions: dict[str, Subscribed] = field(default_factory=dict)
    erp_invoices: dict[str, str] = field(default_factory=dict)
    """Open Stripe invoice -> NetSuite invoice."""
    posting_at: dict[str, int] = field(default_factory=dict)
    """Finalized Stripe invoice -> when NetSuite is to have it."""
    late: dict[str, list[str]] = field(default_factory=dict)
    """Subscription -> its invoices that are overdue or whose card failed."""
    prices: dict[str, str] = field(default_factory=dict)
    """'sku|currency|months|unit' -> Stripe price."""
    products: dict[str, dict[str, str]] = field(default_factory=dict)
    """sku -> {'salesforce': id, 'stripe': id}."""
    unswept: list[str] = field(default_factory=list)
    """Balance transactions that no payout has taken up yet."""
    paid_out: dict[str, list[str]] = field(default_factory=dict)
    """Payout -> the balance transactions in it, until the ERP has its deposit."""
    undeposited: dict[str, str] = field(default_factory=dict)
    """Charge or refund -> its ERP document, until a deposit takes it up."""
    open_credits: dict[str, list[str]] = field(default_factory=dict)
    """Stripe customer -> ERP credit memos that wait for its next invoice, the oldest first."""
    journals: dict[str, str] = field(default_factory=dict)
    """Legal entity -> its latest revenue journal."""
    counters: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, saved: dict[str, Any]) -> "Facts":
        facts = cls(**saved)
        facts.agenda = [(a, n, kind, args) for a, n, kind, args in saved["agenda"]]
        facts.companies = [Company(**company) for company in saved["companies"]]
        facts.subscriptions = {
            key: Subscribed(**course) for key, course in saved["subscriptions"].items()
        }
        return facts


class World:
    """The running simulation: facts, records, and what is to happen when."""

    def __init__(self, facts: Facts, records: Records, frozen: frozenset[str]) -> None:
        self.facts = facts
        self.records = records
        self._frozen = frozen
        heapq.heapify(facts.agenda)

    def rng(self, *key: object) -> Random:
        """Chance that depends on the seed and the key alone."""
        return Random(f"{self.facts.seed}|{'|'.join(map(str, key))}")

    def schedule(self, at: int, kind: str, **args: Any) -> None:
        """Let something happen; never in the very second in which a night reads the systems."""
        if at % DAY == NIGHTLY.hour * HOUR and kind != "day":
            at += MINUTE
        self.facts.sequence += 1
        heapq.heappush(self.facts.agenda, (at, self.facts.sequence, kind, args))

    def run(self, until: int, handlers: dict[str, Callable[..., None]]) -> None:
        """Let everything happen that is due before `until`."""
        agenda = self.facts.agenda
        while agenda and agenda[0][0] < until:
            at, _, kind, args = heapq.heappop(agenda)
            handlers[kind](self, at, **args)
        self.facts.until = until

    def company(self, number: int) -> Company:
        return self.facts.companies[number]

    def count(self, name: str) -> int:
        """The next number of a series, from 1."""
        self.facts.counters[name] = self.facts.counters.get(name, 0) + 1
        return self.facts.counters[name]

    def course_of(self, invoice: Record) -> Subscribed:
        """The subscription that a Stripe invoice bills."""
        return self.facts.subscriptions[subscription_of(invoice)]

    def company_of(self, invoice: Record) -> Company:
        return self.company(self.course_of(invoice).company)

    def is_frozen_invoice(self, invoice: Record) -> bool:
        """Whether planted drift depends on a Stripe invoice or on its customer."""
        company = self.course_of(invoice).company
        return self.is_frozen("invoice", invoice["id"]) or self.is_frozen("company", company)

    def is_frozen(self, subject: str, name: str | int) -> bool:
        """Whether planted drift depends on this invoice, subscription, company or attributes."""
        return f"{subject}:{name}" in self._frozen

    def save(self, store: Store) -> None:
        self.records.flush()
        self.facts.agenda.sort()
        store.set_meta(META, asdict(self.facts))


def subscription_of(invoice: Record) -> str:
    return str(invoice["parent"]["subscription_details"]["subscription"])


def load_world(store: Store, records: Records) -> World:
    saved = store.meta(META)
    if saved is None:
        raise ValueError("The store holds no world yet: build_world comes before advance_world")
    return World(Facts.load(saved), records, frozenset(store.meta(FROZEN, [])))
