"""PYT-BANK: payouts that the bank does not show as it should, and its credits for no payout."""

from extractors.sandbox.bank import FAULTS, Entry, credits_of, returned, unexpected
from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.world.moments import DAY, moment

_SETTLED_DAYS = 12
"""What comes back does so days later, and has its three business days from then on."""
_BAND = 500
"""Minor units that a bank may keep for taking money in."""

Case = tuple[Entry, str]  # the credit of one payout, and the deposit of that


def plant_not_as_paid(ground: Ground, count: int) -> None:
    """PYT-BANK-01: a credit never came, came short or over, went back, or came for nothing."""
    variants = ("not_on_statement", "short", "over", "returned", "unexpected_credit")
    pools = dict.fromkeys(variants, _credited(ground))
    faults = ground.store.meta(FAULTS, {})
    for variant, (credit, deposit) in ground.choose(count, pools, lambda case: case[0].key):
        (payout,) = credit.payouts
        ground.claim(None, f"payout:{payout}")
        faults[payout] = _fault(ground, variant, credit)
        if variant == "unexpected_credit":
            extra = unexpected(credit, faults[payout]["extra"])
            ground.planted(("bank", extra.line_id), variant=variant)
        elif variant == "not_on_statement":
            ground.planted(("stripe", payout), ("netsuite", deposit), variant=variant)
        else:
            ground.planted(("bank", credit.line_id), ("netsuite", deposit), variant=variant)
    ground.store.set_meta(FAULTS, faults)


def _fault(ground: Ground, variant: str, credit: Entry) -> dict[str, str | int]:
    off = ground.rng.randrange(_BAND + 1, 3 * _BAND)
    if variant == "unexpected_credit":
        return {"kind": "unexpected", "extra": credit.minor + off}
    if variant in {"short", "over"}:
        return {"kind": "other_amount", "minor": -off if variant == "short" else off}
    return {"kind": "not_booked" if variant == "not_on_statement" else variant}


def _credited(ground: Ground) -> list[Case]:
    """Credits of one payout with a trace id and a deposit, long enough ago."""
    deposits = {
        deposit["custbody_stripe_payout_id"]: str(deposit["id"])
        for deposit in ground.store.rows("netsuite", "transaction", type="Deposit")
    }
    until = moment(ground.now - _SETTLED_DAYS * DAY).date()
    return [
        (credit, deposits[credit.payouts[0]])
        for credit in credits_of(ground.store)
        if len(credit.payouts) == 1
        and credit.reference
        and credit.payouts[0] in deposits
        and returned(credit).booked < until
        and ground.is_free(f"payout:{credit.payouts[0]}")
    ]
