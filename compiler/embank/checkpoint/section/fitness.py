"""Whether saved information fits its JSON Schema, without ever showing the information itself."""

from __future__ import annotations

from collections.abc import Mapping

from embank.checkpoint.errors import Unfit
from embank.model import Json


def check_fits(value: Json, schema: Mapping[str, Json] | None, what: str) -> None:
    """Raise Unfit, naming the place and the rule that is broken. No schema: everything fits.

    jsonschema's own messages quote the value, which may be what nobody should read in a log.
    """
    if schema is None:
        return
    from jsonschema import Draft202012Validator
    from referencing import Registry

    # an empty registry: a $ref never makes jsonschema fetch anything
    validator = Draft202012Validator(dict(schema), registry=Registry())
    errors = sorted(validator.iter_errors(value), key=lambda error: [str(step) for step in error.absolute_path])
    if not errors:
        return
    complaints = []
    for error in errors[:5]:
        place = "".join(f"/{step}" for step in error.absolute_path) or "/"
        rule = f"{error.validator}: {error.validator_value!r:.200}"
        if error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            rule = f"required: {missing!r:.200}"
        complaints.append(f"at {place!r:.200} it breaks the rule {rule}")
    more = f" (and {len(errors) - 5} more)" if len(errors) > 5 else ""
    raise Unfit(f"{what} does not fit its schema: {'; '.join(complaints)}{more}")
