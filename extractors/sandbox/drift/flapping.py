"""CTL-CORR: a field that two writers set back and forth."""

from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.trail import (
    BOOKKEEPER,
    DATE,
    INTEGRATION,
    LINE_AMOUNT,
    PERIOD,
    Change,
    note_row,
)
from extractors.sandbox.world.moments import DAY, moment

_VARIANTS = {
    "date": (DATE, None, "2025-12-31"),
    "period": (PERIOD, None, "2512"),
    "amount": (LINE_AMOUNT, "1", "1.00"),
}
"""Which field of which line, and the value that one of the writers wants."""


def plant_two_writers(ground: Ground, count: int) -> None:
    """CTL-CORR-01: what a bookkeeper sets the integration sets back, twice within four days."""
    journals = [
        journal
        for journal in ground.store.rows("netsuite", "transaction", type="Journal")
        if journal["tranid"].startswith("JE-COST-")
        and ground.is_free(f"transaction:{journal['id']}")
        and ground.is_settled(journal["lastmodifieddate"])
    ]
    pools = dict.fromkeys(_VARIANTS, journals)
    for variant, journal in ground.choose(count, pools, lambda each: str(each["id"])):
        field, line, wanted = _VARIANTS[variant]
        for turn in range(4):
            old, new = (None, wanted) if turn % 2 == 0 else (wanted, None)
            user = (BOOKKEEPER, INTEGRATION)[turn % 2]
            at = moment(ground.now - (5 - turn) * DAY)
            key = ground.store.new_id("netsuite", "systemnote")
            row = note_row(key, journal["id"], Change(field, old, new, line), user, at)
            ground.store.put("netsuite", "systemnote", row, stamp=False)
        ground.freeze(None, f"transaction:{journal['id']}")
        name = f"{field}/{line}" if line else field
        ground.planted(("netsuite", journal["id"]), attribute=f"flaps:{name}", variant=variant)
