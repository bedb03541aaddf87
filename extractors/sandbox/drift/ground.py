"""What planters stand on: the store, who is who in it, what is taken, and the truth file.

A planted subject is claimed, so that no other plant touches it, and frozen, so that the simulation
never heals or worsens it. Records are stamped with the moment of planting, as a late change would
be; what a business event says of its own time lies days back, outside every grace window.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import cached_property
from random import Random
from typing import Any, Literal, TypeVar

from extractors.sandbox.amounts import decimal_text
from extractors.sandbox.reference import CURRENCY_BY_ID
from extractors.sandbox.schema import System, to_text
from extractors.sandbox.store import Store
from extractors.sandbox.tables import Key, Record
from extractors.sandbox.world.annual_value import FIELD, changed
from extractors.sandbox.world.contracts import stamp as salesforce_stamp
from extractors.sandbox.world.moments import DAY, epoch, moment
from extractors.sandbox.world.state import FROZEN, META, Company, Facts

CLAIMS = "drift_claims"
TRUTH = "drift_truth"

SETTLED_DAYS = 3
"""A subject is left alone while anything happened to it in the last days: it might be in flight."""

_PENDING = {
    "apply_balance": "invoice",
    "copy_status": "subscription",
    "sync_items": "subscription",
    "end_transfer": "invoice",
    "finalize": "invoice",
    "post_credit": "invoice",
    "post_invoice": "invoice",
    "post_payment": "invoice",
    "post_refund": "invoice",
    "post_void": "invoice",
    "repost": "invoice",
}
"""What the simulation still has to carry over -> the argument that names its subject."""

Candidate = TypeVar("Candidate")
Place = System | Literal["bank"]


@dataclass(frozen=True)
class Truth:
    """One row of drift that a night must report; ids as the drift frame gives them.

    `planted` is false for what follows from another plant, named by `caused_by` (its owner id).
    """

    code: str
    attribute: str
    owner_system: Place
    owner_id: str
    replica_system: Place | None
    replica_id: str | None
    variant: str
    planted: bool = True
    caused_by: str | None = None


class Ground:
    """One planting: what it may touch, and what it has done."""

    def __init__(self, store: Store, code: str, seed: int) -> None:
        saved = store.meta(META)
        if saved is None:
            raise ValueError("There is no world to plant drift in: build_world comes first")
        self.facts = Facts.load(saved)
        self.store = store
        self.code = code
        self.rng = Random(f"{seed}|{code}")
        self.now = epoch(store.now())
        self._claims: set[str] = set(store.meta(CLAIMS, []))
        self._frozen: set[str] = set(store.meta(FROZEN, []))
        self._truth: list[Truth] = []
        self._is_crm_changed = False

    # who is who

    @cached_property
    def company_by_customer(self) -> dict[str, Company]:
        """Stripe customer -> company."""
        return {c: who for who in self.facts.companies for c in who.customers.values()}

    def company(self, number: int) -> Company:
        return self.facts.companies[number]

    @cached_property
    def busy(self) -> set[str]:
        """Ids of Stripe objects with an event in the last days or something in flight."""
        since = self.now - SETTLED_DAYS * DAY
        ids = {
            event["data"]["object"]["id"]
            for event in self.store.rows("stripe", "event")
            if event["created"] >= since
        }
        agenda = self.facts.agenda
        return ids | {args[_PENDING[kind]] for _, _, kind, args in agenda if kind in _PENDING}

    def is_settled(self, stamp: str | None) -> bool:
        """Whether a vendor's time text lies before the last days."""
        if stamp is None:
            return True
        system: System = "salesforce" if "T" in stamp else "netsuite"
        return stamp < to_text(moment(self.now - SETTLED_DAYS * DAY), system)

    def days_ago(self, first: int, last: int) -> int:
        """An instant (unix seconds) some days back."""
        return self.now - self.rng.randrange(first * DAY, last * DAY)

    # claims

    def is_free(self, *subjects: str) -> bool:
        return self._claims.isdisjoint(subjects)

    def is_free_company(self, who: Company) -> bool:
        """Whether a company's documents may be touched at all."""
        return self.is_free(f"company:{who.number}")

    def claim(self, who: Company | None, *subjects: str) -> None:
        """Take subjects; the company that they belong to counts as touched."""
        self._claims.update(subjects)
        if who is not None:
            self._claims.add(f"touched:{who.number}")

    def freeze(self, who: Company | None, *subjects: str) -> None:
        """Take subjects, and keep the simulation away from them."""
        self.claim(who, *subjects)
        self._frozen.update(subjects)

    def choose(
        self,
        count: int,
        pools: Mapping[str, Sequence[Candidate]],
        key: Callable[[Candidate], str],
    ) -> list[tuple[str, Candidate]]:
        """(variant, candidate) for each plant, variants in turn, no key twice."""
        shuffled = {
            variant: self.rng.sample(sorted(pool, key=key), len(pool))
            for variant, pool in pools.items()
        }
        variants = list(pools)
        taken: set[str] = set()
        chosen: list[tuple[str, Candidate]] = []
        while len(chosen) < count:
            turn = len(chosen) % len(variants)
            for variant in variants[turn:] + variants[:turn]:
                found = _next(shuffled[variant], taken, key)
                if found is not None:
                    taken.add(key(found))
                    chosen.append((variant, found))
                    break
            else:
                raise ValueError(
                    f"only {len(chosen)} eligible subjects for {self.code}, not {count}"
                )
        return chosen

    # writing

    def tick(self) -> int:
        return epoch(self.store.tick())

    def change(self, system: System, kind: str, key: Key, at: int, **fields: Any) -> Record:
        """Set fields of a record, stamped as changed at `at` but not edited by a user."""
        before = self.store.get(system, kind, key)
        assert before is not None, f"{system} {kind} {key}"
        return self.add(system, kind, {**before, **fields}, at)

    def add(self, system: System, kind: str, record: Record, at: int) -> Record:
        if system == "stripe":
            return self.store.put(system, kind, record)
        if system == "salesforce":
            self._is_crm_changed = True
            record = record | {"SystemModstamp": salesforce_stamp(at)}
        elif "lastmodifieddate" in record or kind == "transaction":
            record = record | {"lastmodifieddate": to_text(moment(at), "netsuite")}
        return self.store.put(system, kind, record, stamp=False)

    def add_rows(self, rows: Mapping[str, Iterable[Record]], at: int) -> None:
        for table, records in rows.items():
            for record in records:
                self.add("netsuite", table, record, at)

    def tell(self, truth: Truth) -> None:
        self._truth.append(truth)

    def planted(
        self,
        owner: tuple[Place, str],
        replica: tuple[Place, str] | None = None,
        *,
        attribute: str = "",
        variant: str,
    ) -> None:
        """Note the row that this plant must give."""
        self.tell(
            Truth(
                self.code,
                attribute,
                owner_system=owner[0],
                owner_id=owner[1],
                replica_system=replica[0] if replica else None,
                replica_id=replica[1] if replica else None,
                variant=variant,
            )
        )

    def follows(
        self,
        code: str,
        owner: tuple[Place, str],
        replica: tuple[Place, str] | None = None,
        *,
        attribute: str = "",
        variant: str,
        caused_by: str,
    ) -> None:
        """Note a row that a plant brings about, in its own class or in another."""
        self.tell(
            Truth(
                code,
                attribute,
                owner_system=owner[0],
                owner_id=owner[1],
                replica_system=replica[0] if replica else None,
                replica_id=replica[1] if replica else None,
                variant=variant,
                planted=False,
                caused_by=caused_by,
            )
        )

    def save(self) -> list[Truth]:
        if self._is_crm_changed:
            self._roll_up()
        known = self.store.meta(TRUTH, [])
        self.store.set_meta(TRUTH, known + [asdict(row) for row in self._truth])
        self.store.set_meta(CLAIMS, sorted(self._claims))
        self.store.set_meta(FROZEN, sorted(self._frozen))
        return self._truth

    def _roll_up(self) -> None:
        """Let the CRM add up what it shows of the contracts that a plant changed."""
        found = list(changed(lambda kind: self.store.rows("salesforce", kind), self.now))
        for account, value in found:
            if f"arr:{account}" not in self._frozen:
                self.change("salesforce", "Account", account, self.tick(), **{FIELD: value})


def _next(
    pool: list[Candidate], taken: set[str], key: Callable[[Candidate], str]
) -> Candidate | None:
    while pool:
        candidate = pool.pop()
        if key(candidate) not in taken:
            return candidate
    return None


def minor_of(text: str | None, currency_id: str) -> int:
    """NetSuite's decimal text in minor units."""
    return int(Decimal(text or "0").scaleb(CURRENCY_BY_ID[currency_id].precision))


def text_of(minor: int, currency_id: str) -> str:
    return decimal_text(minor, CURRENCY_BY_ID[currency_id].precision)
