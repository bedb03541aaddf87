"""Companies that do not exist: names, domains under .example, addresses and tax ids."""

from random import Random
from typing import NamedTuple

from extractors.sandbox.reference import LEGAL_ENTITIES

_FIRST = (
    "Alder", "Amber", "Anvil", "Arbor", "Aspen", "Auburn", "Basalt", "Beacon", "Birch",
    "Bramble", "Bridge", "Cairn", "Cedar", "Cinder", "Cobalt", "Copper", "Coral", "Crescent",
    "Delta", "Driftwood", "Dune", "Ember", "Falcon", "Fern", "Fjord", "Flint", "Garnet",
    "Glacier", "Granite", "Harbor", "Hazel", "Heron", "Indigo", "Iris", "Ivory", "Jasper",
    "Juniper", "Kestrel", "Lantern", "Larch", "Linden", "Lumen", "Magnet", "Maple", "Marble",
    "Meadow", "Meridian", "Mosaic", "Nimbus", "Oak", "Obsidian", "Onyx", "Opal", "Orchard",
    "Osprey", "Pebble", "Pine", "Plover", "Prairie", "Quartz", "Quill", "Raven", "Reef",
    "Ridge", "Rowan", "Saffron", "Sage", "Slate", "Sorrel", "Spruce", "Sterling", "Summit",
    "Tamarack", "Teal", "Thistle", "Timber", "Topaz", "Tundra", "Umber", "Velvet", "Vertex",
    "Willow", "Wren", "Zephyr",
)  # fmt: skip
_SECOND = (
    "Analytics", "Aviation", "Biotech", "Brewing", "Capital", "Ceramics", "Chemicals",
    "Components", "Credit", "Design", "Diagnostics", "Dynamics", "Energy", "Engineering",
    "Fabrics", "Foods", "Freight", "Games", "Genetics", "Glass", "Health", "Hotels", "Imaging",
    "Instruments", "Insurance", "Labs", "Learning", "Logistics", "Marine", "Materials",
    "Mechanics", "Media", "Medical", "Metals", "Mobility", "Networks", "Optics", "Outdoor",
    "Packaging", "Papers", "Pharma", "Photonics", "Plastics", "Power", "Press", "Printing",
    "Rail", "Robotics", "Sciences", "Security", "Semiconductor", "Shipping", "Software",
    "Sports", "Studios", "Systems", "Textiles", "Tools", "Toys", "Turbines", "Ventures",
    "Water", "Wind",
)  # fmt: skip
_FORMS = {
    "US": ("Inc.", "LLC", "Corp."),
    "UK": ("Ltd", "PLC"),
    "DE": ("GmbH", "AG"),
    "JP": ("K.K.", "Co., Ltd."),
}
_STREETS = {
    "US": ("Main Street", "Market Street", "Lake Avenue", "Hill Road"),
    "UK": ("High Street", "Mill Lane", "Station Road", "Kings Court"),
    "DE": ("Hauptstraße", "Bahnhofstraße", "Gartenweg", "Am Markt"),
    "JP": ("Sakura-dori", "Chuo", "Minato-cho", "Aoba"),
}
_PLACES = {
    "US": (("Boston", "02110"), ("Denver", "80202"), ("Austin", "78701"), ("Portland", "97205")),
    "UK": (("London", "EC1A 1BB"), ("Leeds", "LS1 4AP"), ("Bristol", "BS1 5TR")),
    "DE": (("Berlin", "10115"), ("Hamburg", "20095"), ("München", "80331"), ("Köln", "50667")),
    "JP": (("Tokyo", "100-0005"), ("Osaka", "530-0001"), ("Yokohama", "220-0012")),
}
_MAILBOXES = ("billing", "accounts", "ap", "invoices", "finance")
_TAX_SPACE = 89_999_999  # coprime with the step, so that no two companies share an id
_TAX_STEP = 7_919


class Identity(NamedTuple):
    """Who a company is on paper."""

    name: str
    domain: str
    email: str
    tax_id: str
    street: str
    city: str
    postal_code: str
    country: str


def identity(entity: str, number: int, offset: int, rng: Random) -> Identity:
    """The `number`th company; names, domains and tax ids of two numbers never coincide."""
    first, second, again = _words(number + offset)
    word = f"{first} {second}" + (f" {again + 1}" if again else "")
    domain = word.lower().replace(" ", "") + ".example"
    city, postal_code = rng.choice(_PLACES[entity])
    house = rng.randrange(1, 240)
    street = rng.choice(_STREETS[entity])
    return Identity(
        name=f"{word} {rng.choice(_FORMS[entity])}",
        domain=domain,
        email=f"{rng.choice(_MAILBOXES)}@{domain}",
        tax_id=_tax_id(entity, number + offset),
        street=f"{street} {house}" if entity == "DE" else f"{house} {street}",
        city=city,
        postal_code=postal_code,
        country=LEGAL_ENTITIES[entity].country,
    )


def _words(number: int) -> tuple[str, str, int]:
    again, place = divmod(number * 1_013, len(_FIRST) * len(_SECOND))
    again = number // (len(_FIRST) * len(_SECOND))
    first, second = divmod(place, len(_SECOND))
    return _FIRST[first], _SECOND[second], again


def _tax_id(entity: str, number: int) -> str:
    digits = 10_000_000 + number * _TAX_STEP % _TAX_SPACE
    if entity == "US":
        return f"{digits // 1_000_000:02d}-{digits % 1_000_000:06d}{number % 10}"
    if entity == "JP":
        return f"T9{digits:010d}00"
    return f"{'GB' if entity == 'UK' else 'DE'}{digits}{number % 10}"


TAX_ID_TYPES = {"US": "us_ein", "UK": "gb_vat", "DE": "eu_vat", "JP": "jp_trn"}


def spelled(name: str, style: int) -> str:
    """The same legal name as another clerk would type it: case, punctuation, spacing or width."""
    words = name.split(" ")
    match style % 6:
        case 1:
            return name.upper()
        case 2:
            return name.replace(".", "").replace(",", "")
        case 3:
            return " ".join(words[:-1]).removesuffix(",") + ", " + words[-1]
        case 4:
            return name.replace(" ", "  ", 1)
        case 5:
            return _wide(words[0]) + " " + " ".join(words[1:])
        case _:
            return name


def _wide(word: str) -> str:
    """Full-width Latin letters, as Japanese input methods write them."""
    return "".join(chr(ord(char) + 0xFEE0) if char.isascii() else char for char in word)
