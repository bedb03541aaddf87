"""The ERP's audit trail: who changed which field of a transaction, from what to what."""

from dataclasses import dataclass
from datetime import datetime

from extractors.sandbox.amounts import netsuite_time
from extractors.sandbox.tables import Record

TRANSACTIONS = -30
"""What the trail calls the type of all transactions."""
INTEGRATION, BOOKKEEPER, AUDITOR = "1201", "1302", "1303"

TOTAL, PERIOD, DATE = "TRANDOC.MAMOUNTMAIN", "TRANDOC.KPOSTINGPERIOD", "TRANDOC.DTRANDATE"
MEMO = "TRANDOC.SMEMO"
LINE_AMOUNT, LINE_ACCOUNT = "TRANLINE.MAMOUNT", "TRANLINE.KACCOUNT"


@dataclass(frozen=True)
class Change:
    """A field of a transaction or of a line; amounts as decimal text in its currency."""

    field: str
    old: str | None
    new: str | None
    line: str | None = None


def note_row(note_id: str, internal: str, change: Change, user: str, at: datetime) -> Record:
    """A row of the trail."""
    return {
        "id": note_id,
        "recordtypeid": TRANSACTIONS,
        "recordid": internal,
        "lineid": change.line,
        "field": change.field,
        "oldvalue": change.old,
        "newvalue": change.new,
        "name": user,
        "date": netsuite_time(at),
    }
