"""The classes of drift that are implemented, in the order of the catalogue, with their names."""

CODES = {
    "CTL-CNT-01": "Control total break on extraction",
    "CTL-STALE-01": "Stale or skewed snapshots",
    "CTL-XREF-01": "Correlation chain broken",
    "CUS-MISS-01": "Billing customer has no CRM account",
    "CUS-MISS-02": "Billing customer with documents has no ERP customer",
    "CUS-DUP-01": "Duplicate customer inside one system",
    "CUS-LINK-01": "Crossed, ambiguous or dangling link",
    "CUS-ATTR-01": "Master-data attribute disagrees",
    "CON-MISS-01": "Closed-won with no subscription in billing",
    "CON-AMT-01": "Contract value differs from what billing will charge",
    "SUB-STAT-01": "Active, cancelled or paused state differs",
    "SUB-QTY-01": "Seats or quantity differ",
    "INV-MISS-01": "Finalized billing invoice not posted in ERP",
    "INV-MISS-02": "ERP invoice with no billing source",
    "INV-DUP-01": "One billing invoice posted twice",
    "INV-AMT-01": "Invoice totals differ",
    "INV-DATE-01": "Invoice date, due date or number differ",
    "INV-STAT-01": "Invoice lifecycle differs",
    "PAY-MISS-01": "Succeeded payment not recorded in ERP",
    "JE-BAL-01": "Unbalanced journal entry",
}
