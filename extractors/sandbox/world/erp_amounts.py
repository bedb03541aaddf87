"""What an ERP invoice still asks for, and how a credit lowers it."""

from decimal import Decimal

from extractors.sandbox.amounts import decimal_text, netsuite_time
from extractors.sandbox.ledger import Application
from extractors.sandbox.reference import CURRENCY_BY_ID
from extractors.sandbox.world.moments import moment
from extractors.sandbox.world.state import World


def minor_of(text: str, currency_id: str) -> int:
    """NetSuite's decimal text in minor units."""
    return int(Decimal(text).scaleb(CURRENCY_BY_ID[currency_id].precision))


def text_of(minor: int, currency_id: str) -> str:
    return decimal_text(minor, CURRENCY_BY_ID[currency_id].precision)


def lower_invoice(world: World, at: int, invoice: str, internal: str, most: int) -> Application:
    """Take a credit off the ERP's copy of a billing invoice, as far as that is open."""
    records = world.records
    posted = records.need("netsuite", "transaction", internal)
    unpaid = minor_of(posted["foreignamountunpaid"], posted["currency"])
    taken = min(most, unpaid)
    fields = {"foreignamountunpaid": text_of(unpaid - taken, posted["currency"])}
    if unpaid == taken:
        fields["status"] = "B"
        del world.facts.erp_invoices[invoice]
    fields["custbody_status_changed_at"] = netsuite_time(moment(at))
    records.change("netsuite", "transaction", internal, at, **fields)
    return Application(internal, taken, Decimal(posted["exchangerate"]))
