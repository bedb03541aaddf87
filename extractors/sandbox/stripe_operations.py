"""What Stripe's writing operations have in common: parameters, required ones, what they do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from extractors.sandbox.store import Store
from extractors.sandbox.stripe_errors import missing
from extractors.sandbox.stripe_forms import Spec, checked, merged_metadata, require
from extractors.sandbox.stripe_shapes import Document

EXPAND: dict[str, Any] = {"expand": ["text"]}
METADATA: dict[str, Any] = {"metadata": "metadata"}
ADDRESS = dict.fromkeys(("line1", "line2", "city", "state", "postal_code", "country"), "text")
PRORATION = frozenset({"create_prorations", "none", "always_invoice"})
COLLECTION = frozenset({"charge_automatically", "send_invoice"})

Run = Callable[[Store, dict[str, Any], str], Document]
"""(the account's store, the checked parameters, the id in the path) -> the object as kept."""


@dataclass(frozen=True)
class Operation:
    """One kind of request that does something; it answers with an object of `kind`.

    `verb` is what a key must be allowed to do with it: a preview only reads.
    """

    method: str
    path: str
    kind: str
    run: Run
    specs: Mapping[str, Spec] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    verb: str = "write"

    def checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters with their types; those that any answer takes are among them."""
        asked = checked(parameters, {**self.specs, **EXPAND})
        require(asked, *self.required)
        return asked


def live(store: Store, kind: str, record_id: str) -> Document:
    document = store.get("stripe", kind, record_id)
    if document is None or document.get("deleted"):
        raise missing(kind, record_id)
    return document


def named(store: Store, kind: str, record_id: str, param: str) -> Document:
    """The object that a parameter names."""
    document = store.get("stripe", kind, record_id)
    if document is None or document.get("deleted"):
        raise missing(kind, record_id, param, 400)
    return document


def change(store: Store, kind: str, record_id: str, asked: Mapping[str, Any]) -> Document:
    """Set the fields given; metadata is merged, an object is replaced."""
    document = live(store, kind, record_id)
    fields = {name: value for name, value in asked.items() if name not in EXPAND}
    if "metadata" in fields:
        fields["metadata"] = merged_metadata(document.get("metadata"), fields["metadata"])
    if all(document.get(name) == value for name, value in fields.items()):
        return document
    return store.put("stripe", kind, {"id": record_id, **fields})


def create(store: Store, kind: str, fields: Mapping[str, Any]) -> Document:
    """A new object of the given fields."""
    kept = {name: value for name, value in fields.items() if name not in EXPAND}
    kept["metadata"] = merged_metadata({}, kept.get("metadata") or {})
    return store.put("stripe", kind, {"id": store.new_id("stripe", kind), **kept})


def updating(path: str, kind: str, specs: Mapping[str, Spec]) -> Operation:
    """The operation that sets fields of an object."""

    def run(store: Store, asked: dict[str, Any], key: str) -> Document:
        return change(store, kind, key, asked)

    return Operation("POST", path, kind, run, specs)


def now(store: Store) -> int:
    return int(store.now().timestamp())
