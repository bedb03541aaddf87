"""Makes a small trading company in an empty Tryton database, as its users would.

Run by the interpreter that has Tryton: python company.py CONFIG DATABASE LOGIN PASSWORD
"""

import sys
from datetime import UTC, date, datetime
from decimal import Decimal

from proteus import Model, Wizard, config

# The smallest amount, and how many make one of the company's own currency.
CURRENCIES = {
    "USD": ("0.01", "1"),
    "EUR": ("0.01", "0.92"),
    "JPY": ("1", "151.37"),
    "KWD": ("0.001", "0.3074"),
}
# What an integration needs: to read everything that is declared, and to correct it.
GROUPS = (
    "Accounting",
    "Accounting Administration",
    "Currency Administration",
    "Party Administration",
    "Payment",
    "Product Administration",
    "Sales",
)
TODAY = datetime.now(UTC).date()
SERVICES = ("Seat", "Support", "Setup")


def main(settings, database, login, password):
    session = config.set_trytond(database, user="admin", config_file=settings)
    (admin,) = find("res.user", login="admin")
    admin.groups.extend(find("res.group"))
    admin.save()
    make_company(session, make_currencies())
    accounts = make_accounts()
    make_fiscal_years()
    make_user(login, password)
    products = make_products(accounts)
    parties = make_parties()
    make_invoices(parties, products, accounts)
    make_payments(accounts)
    make_subscriptions(parties, products)


def new(model, **values):
    return Model.get(model)(**values)


def find(model, **equals):
    return Model.get(model).find([(name, "=", value) for name, value in equals.items()])


def make_currencies():
    for code, (rounding, rate) in CURRENCIES.items():
        currency = new("currency.currency", name=code, code=code)
        currency.rounding = Decimal(rounding)
        currency.digits = -currency.rounding.as_tuple().exponent
        currency.rates.new(date=date(2020, 1, 1), rate=Decimal(rate))
        currency.save()
    return find("currency.currency", code="USD")[0]


def make_company(session, currency):
    party = new("party.party", name="Example Trading")
    party.save()
    wizard = Wizard("company.company.config")
    wizard.execute("company")
    wizard.form.party = party
    wizard.form.currency = currency
    wizard.execute("add")
    session._context = Model.get("res.user").get_preferences(True, {})


def make_accounts():
    """The universal chart of accounts; those that the documents need, by what they are for."""
    template = Model.get("ir.model.data").get_id("account.account_template_root_en", {})
    (company,) = find("company.company")
    wizard = Wizard("account.create_chart")
    wizard.execute("account")
    wizard.form.account_template = new("account.account.template", id=template)
    wizard.form.company = company
    wizard.execute("create_account")
    kinds = ("receivable", "payable", "revenue", "expense")
    account = Model.get("account.account")
    found = {
        kind: account.find([(f"type.{kind}", "=", True), ("closed", "!=", True)], limit=1)[0]
        for kind in kinds
    }
    found["tax"] = find("account.account", code="6.3.6")[0]
    wizard.form.account_receivable = found["receivable"]
    wizard.form.account_payable = found["payable"]
    wizard.form.category_account_expense = found["expense"]
    wizard.form.category_account_revenue = found["revenue"]
    wizard.execute("create_properties")
    return found


def make_fiscal_years():
    """Last year to the next but one: the database is kept, and documents are dated today."""
    (company,) = find("company.company")
    this_year = TODAY.year
    for number in range(this_year - 1, this_year + 3):
        year = new("account.fiscalyear", name=str(number), company=company)
        year.start_date, year.end_date = date(number, 1, 1), date(number, 12, 31)
        year.move_sequence = make_sequence("Account Move", f"Moves {number}", company)
        invoices = make_sequence("Invoice", f"Invoices {number}", company, prefix=f"{number}-")
        (sequences,) = year.invoice_sequences
        for kind in ("out_invoice", "in_invoice", "out_credit_note", "in_credit_note"):
            setattr(sequences, f"{kind}_sequence", invoices)
        year.save()
        year.click("create_period")


def make_sequence(kind, name, company, **values):
    (sequence_type,) = find("ir.sequence.type", name=kind)
    sequence = new("ir.sequence.strict", name=name, company=company, **values)
    sequence.sequence_type = sequence_type
    sequence.save()
    return sequence


def make_user(login, password):
    (company,) = find("company.company")
    user = new("res.user", name=login, login=login)
    user.password = password
    user.companies.append(company)
    user.company = company
    user.groups.extend(Model.get("res.group").find([("name", "in", GROUPS)]))
    user.save()


def make_products(accounts):
    tax = new("account.tax", name="Sales tax 10 %", description="10 %", type="percentage")
    tax.rate = Decimal("0.10")
    tax.invoice_account = tax.credit_note_account = accounts["tax"]
    tax.save()
    category = new("product.category", name="Services", accounting=True)
    category.account_revenue = accounts["revenue"]
    category.account_expense = accounts["expense"]
    category.customer_taxes.append(tax)
    category.save()
    (unit,) = find("product.uom", name="Unit")
    products = []
    for number, name in enumerate(SERVICES, 1):
        template = new("product.template", name=name, code=f"SKU-{number}", type="service")
        template.default_uom, template.account_category = unit, category
        template.list_price, template.salable = Decimal("100.1234") * number, True
        template.save()
        products.extend(template.products)
    return products


def make_parties():
    parties = []
    for number in range(1, 4):
        party = new("party.party", name=f"Customer {number}", code=f"c-{number}")
        (address,) = party.addresses
        address.street, address.city = f"{number} Main Street", "Springfield"
        party.contact_mechanisms.new(type="email", value=f"customer{number}@example.com")
        party.identifiers.new(type="eu_vat", code="BE0897290877")
        party.save()
        parties.append(party)
    gone = new("party.party", name="Closed Down", code="c-gone")
    gone.save()
    gone.active = False
    gone.save()
    return parties


def make_invoices(parties, products, accounts):
    """Some posted, some drafts, every fourth in yen; a price of four places is rounded by line."""
    term = new("account.invoice.payment_term", name="At once")
    term.lines.new(type="remainder")
    term.save()
    (yen,) = find("currency.currency", code="JPY")
    for number in range(12):
        invoice = new("account.invoice", type="out", party=parties[number % 3])
        invoice.payment_term, invoice.reference = term, f"in_{number}"
        is_yen = number % 4 == 3
        if is_yen:
            invoice.currency = yen
        line = invoice.lines.new(product=products[number % 3])
        line.quantity, line.unit_price = number + 1, Decimal(1000 if is_yen else "49.90")
        line = invoice.lines.new(account=accounts["revenue"], description="Extra")
        line.quantity, line.unit_price = 2, Decimal(7 if is_yen else "100.1234")
        invoice.save()
        if number < 8:
            invoice.invoice_date = TODAY
            invoice.click("post")


def make_payments(accounts):
    journal = find("account.journal", code="EXP")[0]
    clearing = new("account.account", name="Bank clearing", parent=accounts["payable"].parent)
    clearing.type, clearing.reconcile = accounts["payable"].type, True
    clearing.deferral = True
    clearing.save()
    manual = new("account.payment.journal", name="Manual", process_method="manual")
    manual.clearing_account, manual.clearing_journal = clearing, journal
    manual.save()
    receivable = Model.get("account.move.line").find(
        [("account", "=", accounts["receivable"].id), ("second_currency", "=", None)], limit=3
    )
    for line in receivable:
        wizard = Wizard("account.move.line.pay", [line])
        wizard.execute("next_")
        wizard.execute("next_")
    for payment in find("account.payment")[:2]:
        payment.click("submit")
        payment.click("process_wizard")
        payment.click("succeed_wizard").execute("succeed")


def make_subscriptions(parties, products):
    monthly = new("sale.subscription.recurrence.rule.set", name="Monthly")
    (rule,) = monthly.rules
    rule.freq, rule.interval = "monthly", 1
    monthly.save()
    service = new("sale.subscription.service", product=products[0])
    service.consumption_recurrence = monthly
    service.save()
    for party in parties:
        subscription = new("sale.subscription", party=party, invoice_recurrence=monthly)
        subscription.start_date = subscription.invoice_start_date = date(TODAY.year, 1, 1)
        line = subscription.lines.new(service=service)
        line.quantity, line.unit_price = 5, Decimal(40)
        subscription.save()
        subscription.click("quote")
        subscription.click("run")


main(*sys.argv[1:])
