"""Corrections of link fields: a record of one system names the wrong counterpart, or none. Pure.

The crosswalk decides who is whom; each system's field is a copy of it. The former value stands in
the outbox as the before-image: compensating is writing it back.
"""

from collections.abc import Mapping

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.facts import Facts, Row
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
    field = FIELDS.get((system, attribute))
    if subject.replica_id is None or subject.expected is None or field is None:
        return None
    held = facts.link_fields.get((system, subject.replica_id, attribute))
    after = field.holding(subject.expected)
    refusals = _refusals(field, held, subject, facts)
    return Correction(
        subject=subject,
        action="correct_customer_link",
        mode=rule.mode.value,
        assignee=rule.assignee,
        system=system,
        object=field.object,
        record_id=subject.replica_id,
        operation="update",
        attribute=field.name,
        before=field.holding(held["value"]) if held else None,
        after=after,
        payload={} if refusals else after,
        expected_version=(held["version"] or "") if held else "",
        watermark_object=field.watermark_object,
        reason=f"{field.name} is {_WORDS[subject.cause or '']}; the crosswalk knows "
        f"{subject.expected}",
        refusals=refusals,
    )


_WORDS = {
    "empty": "empty while its counterpart names this record",
    "merged": "the id of a record that was merged away",
    "dangling": "the id of nobody",
    "crossed": "the id of another customer's record",
    "not_in_use": "the id of a record that is not in use",
}


def _refusals(
    field: Place, held: Row | None, subject: Subject, facts: Facts
) -> tuple[Refusal, ...]:
    where = f"{field.object}.{field.name}"
    if held is None:
        return (
            Refusal(
                "record exists",
                where,
                f"{subject.replica_id!r} is not in the snapshot",
                "let the next night read it again",
            ),
        )
    others = facts.links_to.get((held["system"], held["attribute"], subject.expected or ""), ())
    rivals = sorted(row["record_id"] for row in others if row["record_id"] != subject.replica_id)
    if field.is_unique and rivals:
        return (
            Refusal(
                "link unique",
                where,
                f"{rivals[0]} already names {subject.expected}",
                "decide which record is the customer and clear the link of the other",
            ),
        )
    return ()
