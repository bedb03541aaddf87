"""DSP-LIFE: disputes whose stages the ERP did not follow, or followed wrongly."""

from collections.abc import Iterator
from dataclasses import dataclass

from extractors.sandbox.drift.documents import lines_of, postings_of, set_line
from extractors.sandbox.drift.ground import Ground, minor_of, text_of
from extractors.sandbox.reference import BAD_DEBT, CLEARING
from extractors.sandbox.tables import Record
from extractors.sandbox.world.state import Company


@dataclass(frozen=True)
class Followed:
    """A dispute with the journal of one of its stages."""

    who: Company
    dispute: Record
    invoice_id: str
    entry: Record

    @property
    def id(self) -> str:
        return str(self.dispute["id"])

    @property
    def is_withdrawal(self) -> bool:
        return bool(self.entry["custbody_stripe_dispute_stage"] == "opened")

    @property
    def phase(self) -> str:
        return "withdrawn" if self.is_withdrawal else "closed"


def plant_stage_missing(ground: Ground, count: int) -> None:
    """DSP-LIFE-01: the ERP lacks a stage of a dispute, or has another outcome or amount."""
    stages = list(followed(ground))
    withdrawn = [s for s in stages if s.is_withdrawal]
    closed = [s for s in stages if not s.is_withdrawal]
    pools = {
        "withdrawal_not_posted": withdrawn,
        "outcome_not_posted": closed,
        "other_outcome": closed,
        "other_amount": withdrawn,
    }
    for variant, stage in ground.choose(count, pools, lambda stage: stage.id):
        ground.freeze(stage.who, f"invoice:{stage.invoice_id}", f"charge:{stage.dispute['charge']}")
        replica = _spoil(ground, stage, variant, ground.tick())
        ground.planted(
            ("stripe", stage.id),
            ("netsuite", replica) if replica else None,
            attribute=f"stage:{stage.phase}",
            variant=variant,
        )


def followed(ground: Ground) -> Iterator[Followed]:
    """Journals of disputes to which nothing happens, in the order of their ids."""
    for entry in ground.store.rows("netsuite", "transaction", type="Journal"):
        dispute_id = entry["custbody_stripe_dispute_id"]
        if not dispute_id or not ground.is_settled(entry["lastmodifieddate"]):
            continue
        dispute = ground.store.get("stripe", "dispute", dispute_id)
        assert dispute is not None
        found = _of_dispute(ground, dispute, entry)
        if found is not None:
            yield found


def _of_dispute(ground: Ground, dispute: Record, entry: Record) -> Followed | None:
    charge = ground.store.get("stripe", "charge", dispute["charge"])
    assert charge is not None
    intent = ground.store.get("stripe", "payment_intent", charge["payment_intent"])
    assert intent is not None
    who = ground.company_by_customer[charge["customer"]]
    is_quiet = ground.busy.isdisjoint({dispute["id"], charge["id"], intent["invoice"]})
    is_free = ground.is_free(f"invoice:{intent['invoice']}", f"charge:{charge['id']}")
    if is_quiet and is_free and ground.is_free_company(who):
        return Followed(who, dispute, intent["invoice"], entry)
    return None


def _spoil(ground: Ground, stage: Followed, variant: str, at: int) -> str | None:
    """Spoil the journal of the stage; its id, or none when it is gone."""
    internal = str(stage.entry["id"])
    if variant in {"withdrawal_not_posted", "outcome_not_posted"}:
        ground.store.delete("netsuite", "transaction", internal)
        return None
    if variant == "other_outcome":
        _turn_round(ground, stage, at)
    else:
        _set_amount(ground, stage, at)
    return internal


def _turn_round(ground: Ground, stage: Followed, at: int) -> None:
    """A lost dispute is booked as won, or the other way round."""
    is_won = stage.entry["custbody_stripe_dispute_stage"] == "won"
    told, account = ("lost", BAD_DEBT) if is_won else ("won", CLEARING)
    internal = stage.entry["id"]
    debit = postings_of(ground, internal)[0]
    ground.add("netsuite", "transactionaccountingline", debit | {"account": account.id}, at)
    ground.change("netsuite", "transaction", internal, at, custbody_stripe_dispute_stage=told)


def _set_amount(ground: Ground, stage: Followed, at: int) -> None:
    """The journal of the withdrawal takes in the fee, which the deposit has as well."""
    currency = stage.entry["currency"]
    fee = sum(entry.get("fee", 0) for entry in stage.dispute["balance_transactions"])
    minor = minor_of(stage.entry["foreigntotal"], currency) + fee
    debit, credit = lines_of(ground, stage.entry["id"])
    set_line(ground, stage.entry, debit, -minor, at)
    set_line(ground, stage.entry, credit, minor, at)
    text = text_of(minor, currency)
    ground.change("netsuite", "transaction", stage.entry["id"], at, foreigntotal=text)
