"""Corrections of link fields: a record of one system names the wrong counterpart, or none. Pure.

The crosswalk decides who is whom; each system's field is a copy of it. The former value stands in
the outbox as the before-image: compensating is writing it back.
"""

from collections.abc import Mapping

from reconcilers.corrections.correction import Correction, Subject
from reconcilers.corrections.facts import Facts
from reconcilers.corrections.field_copies import field_correction, rival_gap
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.wire_fields import PLACES, Place

# By system and attribute of the matrix.
FIELDS: Mapping[tuple[str, str], Place] = {
    (system, attribute): place
    for (system, entity, attribute), place in PLACES.items()
    if entity == "customer" and attribute.endswith("_ref")
}


def correct_link(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """CUS-LINK-01: give the field the one counterpart that the crosswalk knows, if it knows one."""
    system, *_, attribute = subject.row_key.split(":")
    place = FIELDS.get((system, attribute))
    if subject.replica_id is None or subject.expected is None or place is None:
        return None
    held = facts.held.get((system, "customer", subject.replica_id, attribute))
    return field_correction(
        subject,
        rule,
        place,
        (system, subject.replica_id),
        held=held,
        value=subject.expected,
        action="correct_customer_link",
        reason=f"{place.name} is {_WORDS[subject.cause or '']}; the crosswalk knows "
        f"{subject.expected}",
        refusals=rival_gap(place, held, subject.expected, facts),
    )


_WORDS = {
    "empty": "empty while its counterpart names this record",
    "merged": "the id of a record that was merged away",
    "dangling": "the id of nobody",
    "crossed": "the id of another customer's record",
    "not_in_use": "the id of a record that is not in use",
}
