"""Records of two systems that share no key, with the truth about which belong together.

Everything stands on a dense price grid: few prices, few seat counts, monthly, so that amounts and
dates alone say next to nothing, as in a real SaaS company.
"""

from extractors.sandbox.unmatched.cash import cash_application
from extractors.sandbox.unmatched.grid import Labelled
from extractors.sandbox.unmatched.invoices import lost_invoice_keys
from extractors.sandbox.unmatched.journals import journals_to_documents
from extractors.sandbox.unmatched.payouts import payouts_to_bank, payouts_to_deposits

GENERATORS = {
    each.__name__: each
    for each in (
        cash_application,
        payouts_to_deposits,
        payouts_to_bank,
        journals_to_documents,
        lost_invoice_keys,
    )
}

__all__ = ["GENERATORS", "Labelled"]
