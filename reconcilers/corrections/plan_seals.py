"""Seals the personal values of what is planned, before anything keeps or tells it. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal
from reconcilers.sealing import KEYS_VARIABLE, Seals, personal_in

Image = Mapping[str, Any]


def with_seals(correction: Correction, seals: Seals | None) -> Correction:
    """The correction with its personal values sealed; refused, without them, where no key is."""
    personal = partial(personal_in, correction.system, correction.object)
    images = (correction.before or {}, correction.after, correction.payload)
    fields = sorted({field for image in images for field in personal(image)})
    if not fields:
        return correction
    refusals = correction.refusals
    if seals is None:
        refusals = (*refusals, *(_no_key(correction.object, field) for field in fields))
    before, after, payload = (_sealed(image, personal(image), seals) for image in images)
    return replace(
        correction,
        before=None if correction.before is None else before,
        after=after,
        payload={} if refusals else payload,
        refusals=refusals,
    )


def _sealed(image: Image, fields: list[str], seals: Seals | None) -> Image:
    return {**image, **{f: seals.seal(f, image[f]) if seals else None for f in fields}}


def _no_key(name: str, field: str) -> Refusal:
    return Refusal(
        "sealing",
        f"{name}.{field}",
        "it is a personal value, and there is no key to seal it with",
        f"set {KEYS_VARIABLE} (see .env.example)",
    )
