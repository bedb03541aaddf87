"""REV-ROLL: journals by hand on deferred revenue that no plan stands behind."""

from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.ledger import JournalLine, journal_rows
from extractors.sandbox.reference import ACCRUED, DEFERRED, SUBSCRIPTION_REVENUE, period_id
from extractors.sandbox.world.moments import moment

_VARIANTS = {
    "earned_by_hand": (1, SUBSCRIPTION_REVENUE.id),
    "held_back_by_hand": (-1, SUBSCRIPTION_REVENUE.id),
    "moved_to_accruals": (1, ACCRUED.id),
}
"""Debited (1) or credited (-1), and against which account."""


def plant_plug(ground: Ground, count: int) -> None:
    """REV-ROLL-01: somebody earned revenue by hand, held it back, or moved it elsewhere."""
    hosts = [w for w in ground.facts.companies if w.erp_id and ground.is_free_company(w)]
    pools = dict.fromkeys(_VARIANTS, hosts)
    for variant, who in ground.choose(count, pools, lambda who: f"{who.number:06d}"):
        sign, account = _VARIANTS[variant]
        at = moment(ground.days_ago(4, 25))
        amount = sign * ground.rng.randrange(12_001, 90_000)
        internal = ground.store.new_id("netsuite", "transaction")
        rows = journal_rows(
            internal_id=internal,
            tranid=f"JE-DEF-{internal}",
            subsidiary=who.legal_entity.subsidiary_id,
            trandate=at.date(),
            period_id=period_id(at.date()),
            lines=[JournalLine(DEFERRED.id, amount), JournalLine(account, -amount)],
            memo="Deferred revenue adjusted",
            at=at,
        )
        ground.add_rows(rows, ground.tick())
        ground.freeze(None, f"transaction:{internal}")
        ground.planted(("netsuite", internal), attribute="deferred", variant=variant)
