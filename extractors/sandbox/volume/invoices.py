"""Which invoices there are, in the order in which they were made."""

from collections.abc import Iterable
from dataclasses import dataclass

from extractors.sandbox.ids import stripe_id
from extractors.sandbox.reference import PRODUCTS
from extractors.sandbox.volume.customers import Bill, Customer


@dataclass(frozen=True)
class Invoiced:
    """An invoice as both systems have it."""

    number: int
    customer: Customer
    bill: Bill
    taxes: tuple[int, ...]

    @property
    def id(self) -> str:
        return stripe_id("invoice", self.number)

    @property
    def subtotal(self) -> int:
        return sum(sold.amount for sold in self.customer.sold)

    @property
    def total(self) -> int:
        return self.subtotal + sum(self.taxes)

    def line_id(self, place: int) -> str:
        return stripe_id("line_item", self.number * len(PRODUCTS) + place)


def invoiced(customers: Iterable[Customer]) -> list[Invoiced]:
    made = sorted(
        ((bill.at, who.number, bill, who) for who in customers for bill in who.bills),
        key=lambda each: each[:2],
    )
    return [
        Invoiced(number, who, bill, tuple(map(who.tax_on, who.sold)))
        for number, (_, _, bill, who) in enumerate(made, 1)
    ]
