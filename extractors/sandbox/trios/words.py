"""The words that trios are made of; all companies and people are invented."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SYLLABLES = _words(
    """
    al an ar as ba bel ber bi bo bra bri ca cal can ce cor cra da del der di do dra el em en er
    fa fen fi flo for fra ga gal gen gra ha hal hel hi hol in is ja jo ka kel ken ki kla ko kra
    la lan le len li lin lo lu ma mal mar mel mi mon na nel ni no nor nu ol on or os pa pel per
    pi pla po pra qua ra ran re ri ro ron ru sa sal sen si so sol sta ste sun ta tal te ter ti
    to tra tri u ul va val ve ven vi vo wa wel wil xa xen ya yel za zen zi zo
    """
)

TRADES = _words(
    """
    Systems Technologies Software Data Analytics Logistics Consulting Partners Solutions
    Networks Media Digital Industries Engineering Pharma Medical Health Foods Energy Capital
    Design Security Robotics Materials Instruments Labs Motors Textiles Packaging Chemicals
    Marine Aviation Insurance Finance Education Learning Travel Hospitality Retail Trading
    Construction Architects Electronics Semiconductors Telecom Cloud Studios Publishing
    International Manufacturing
    """
)

# What tells sister companies of one family apart.
UNITS = _words(
    """
    Holding Holdings Services Leasing Ventures International Europe Americas Logistics Energy
    Finance Properties Distribution Operations Consulting
    """
)

STREETS = _words(
    """
    High Station Park Church Mill Bridge Market King Queen Garden Lake River Forest Hill Oak
    Maple Cedar Elm Main Harbour Castle Meadow Spring Tower Canal Abbey Victoria Albert Union
    Commerce Industrial
    """
)

PEOPLE = _words(
    """
    Ada Ben Cleo Dan Eva Finn Gina Hugo Ines Jon Kira Leo Mara Nils Olga Paul Rita Sam Tess Uwe
    Vera Will Yara Zoe
    """
)

MAILBOXES = ("gmail.com", "outlook.com", "yahoo.com", "hotmail.com", "icloud.com", "gmx.de")

CITIES_PER_COUNTRY = 60

# country, share of companies, legal form, digits of its tax id, top-level domain
COUNTRIES = (
    ("US", 0.42, "Inc", 9, "com"),
    ("GB", 0.15, "Ltd", 9, "co.uk"),
    ("DE", 0.12, "GmbH", 9, "de"),
    ("FR", 0.08, "SARL", 11, "fr"),
    ("CA", 0.05, "Inc", 9, "ca"),
    ("NL", 0.04, "BV", 10, "nl"),
    ("ES", 0.03, "SL", 9, "es"),
    ("IT", 0.03, "SRL", 11, "it"),
    ("AU", 0.03, "Pty Ltd", 11, "com.au"),
    ("SE", 0.02, "AB", 12, "se"),
    ("CH", 0.02, "AG", 9, "ch"),
    ("JP", 0.01, "KK", 13, "co.jp"),
)

# legal form, another way of writing it
FORMS = (
    ("Inc", "Incorporated"),
    ("Inc", "Inc."),
    ("Inc", "Corp"),
    ("Ltd", "Limited"),
    ("Ltd", "Ltd."),
    ("GmbH", "G.m.b.H."),
    ("GmbH", "GmbH & Co. KG"),
    ("SARL", "S.A.R.L."),
    ("BV", "B.V."),
    ("SL", "S.L."),
    ("SRL", "S.r.l."),
    ("Pty Ltd", "Pty. Ltd."),
    ("AB", "Aktiebolag"),
    ("AG", "A.G."),
    ("KK", "K.K."),
)
