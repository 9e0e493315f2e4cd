"""The JSON Schema of the envelope's payload, published as ``docs/policy-envelope.schema.json``."""

from __future__ import annotations

import json

from dashboard.envelope.model import SCHEMA, Envelope
from dashboard.policy.groups import Group, Spec
from dashboard.policy.model import GROUPS, ReasonRow

JsonObject = dict[str, object]


def envelope_schema() -> JsonObject:
    """The schema: every field, its type and bounds, nothing unknown allowed.

    What a JSON Schema cannot say, such as ascending versions, is said in its description and checked by
    ``parse_payload``.
    """
    schema: JsonObject = Envelope.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    groups: tuple[type[Group], ...] = (*GROUPS.values(), ReasonRow)
    for group in groups:
        _add_bounds(definitions[group.__name__]["properties"], group)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA.replace('/', ':')}",
        **schema,
        "title": "Payload of a signed policy envelope",
        "description": (
            "Payload of a compact JWS (alg ES256, typ tianfu-policy+jws, kid). Beyond this schema: versions "
            "ascend and are unique, each equals thresholds.version, at least one has no end; revision is "
            "policy_id:seq; prev is null exactly for seq 1; rollback_of is stated exactly for a rollback; "
            "the newest version of an emergency ends at most 24 h after it begins. Active is the highest "
            "version with effective_at_s <= now < expires_at_s. No key may be stated twice."
        ),
    }


def envelope_schema_text() -> str:
    """The schema as the text of its file."""
    return json.dumps(envelope_schema(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _add_bounds(properties: dict[str, JsonObject], group: type[Group]) -> None:
    # The bounds of a threshold are declared as data beside it, which pydantic does not know.
    for name, spec in group.specs().items():
        if spec.low is not None:
            for part in _integers(properties[name]):
                part |= _bounds(spec)


def _integers(schema: JsonObject) -> list[JsonObject]:
    if schema.get("type") == "integer":
        return [schema]
    inner = [*_objects(schema.get("anyOf")), *_objects([schema.get("additionalProperties")])]
    return [found for part in inner for found in _integers(part)]


def _objects(values: object) -> list[JsonObject]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _bounds(spec: Spec) -> JsonObject:
    return {"minimum": spec.low, "maximum": spec.high} | ({"x-unit": spec.unit} if spec.unit else {})
