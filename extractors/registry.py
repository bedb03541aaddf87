"""Which systems there are, what is pulled from each, and how to open them."""

from extractors.billing.stripe.objects import OBJECTS as STRIPE
from extractors.crm.salesforce.objects import OBJECTS as SALESFORCE
from extractors.erp.netsuite.objects import OBJECTS as NETSUITE
from extractors.protocol import ObjectSpec

SOURCES: dict[str, dict[str, ObjectSpec]] = {
    "salesforce": SALESFORCE,
    "stripe": STRIPE,
    "netsuite": NETSUITE,
}
