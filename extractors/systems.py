"""Which systems there are and how each is configured; nothing of how they are talked to.

Settings and the command line need no more than this, and start without an HTTP client for it.
"""

from dataclasses import dataclass
from typing import Any

from extractors.bank.statements.config import BankConfig
from extractors.billing.stripe.config import StripeConfig
from extractors.crm.salesforce.config import SalesforceConfig
from extractors.erp.netsuite.config import NetSuiteConfig
from extractors.erp.tryton.config import TrytonConfig


@dataclass(frozen=True)
class System:
    """One that can be connected. `role` is what it is to the company: CRM, billing, ERP, bank."""

    name: str
    role: str
    config: type[Any]


SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        System("salesforce", "CRM", SalesforceConfig),
        System("stripe", "billing", StripeConfig),
        System("netsuite", "ERP", NetSuiteConfig),
        System("tryton", "ERP", TrytonConfig),
        System("bank", "bank", BankConfig),
    )
}
# The systems that a night reconciles; others can be extracted, and have no models yet.
RECONCILED = ("salesforce", "stripe", "netsuite")
# What a night reads too where it is configured. A night without it goes on.
OPTIONAL = ("bank",)
