"""Reading and writing policy documents: TOML or JSON in, one canonical JSON out."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from dashboard.errors import PolicyError
from dashboard.policy.model import Policy
from dashboard.strict_json import load_strict

_TODO = "Correct the document and try again; docs/policy.md lists every threshold with its bounds."


def parse_policy(text: str, *, name: str, kind: str) -> Policy:
    """A checked policy from ``text`` of ``kind`` ``toml`` or ``json``.

    Raises ``PolicyError`` that names ``name``, every wrong field, its value and what it must be.
    """
    try:
        # TOML goes through JSON so that both forms meet the same strict rules: there a list may stand
        # for a tuple and text for a day, but still nothing else for an integer.
        raw = json.dumps(tomllib.loads(text), default=_day) if kind == "toml" else text
        load_strict(raw)
    except (ValueError, TypeError, RecursionError) as problem:
        raise PolicyError(
            f"{name} is not readable {kind.upper()}: {problem}.", todo="Correct the file."
        ) from None
    return build_policy(raw, name=name)


def build_policy(raw: str, *, name: str) -> Policy:
    """A checked policy from JSON text; raises ``PolicyError`` like ``parse_policy``."""
    try:
        return Policy.model_validate_json(raw)
    except ValidationError as problem:
        sentences = describe_problems(problem)
        raise PolicyError(f"{name} is not a valid policy: {'; '.join(sentences)}.", todo=_TODO) from None


def read_policy(path: Path) -> Policy:
    """The policy in a ``.toml`` or ``.json`` file; raises ``PolicyError``, also for an unreadable one."""
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("toml", "json"):
        raise PolicyError(f"{path} is neither a .toml nor a .json file.", todo="Name a policy document.")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise PolicyError(
            f"{path} cannot be read: {problem}.", todo="Check the name and that it is UTF-8."
        ) from None
    return parse_policy(text, name=str(path), kind=kind)


def canonical_json(policy: Policy) -> str:
    """The one text of a policy: keys sorted, no spaces, UTF-8, integers only, absent values left out."""
    content = policy.model_dump(mode="json", exclude_none=True)
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest_policy(policy: Policy) -> str:
    """``sha256:`` and the hash of the canonical text."""
    return "sha256:" + hashlib.sha256(canonical_json(policy).encode()).hexdigest()


def describe_problems(problem: ValidationError) -> list[str]:
    """One sentence for each wrong field: its path, its value, what it must be."""
    sentences: list[str] = []
    for error in problem.errors(include_url=False):
        path = ".".join(str(part) for part in error["loc"])
        context: Mapping[str, object] = error.get("ctx", {})
        match error["type"]:
            case "value_error":  # our own checks: they name the field and the value themselves
                lines = str(context.get("error", "")).splitlines()
                sentences += [f"{path}.{line}" if path else line for line in lines]
            case "missing":
                sentences.append(f"{path} is missing: state it")
            case "extra_forbidden":
                sentences.append(
                    f"{path} is {_short(error['input'])}: no such field, remove it or correct its name"
                )
            case "literal_error":
                sentences.append(f"{path} is {_short(error['input'])}: must be {context.get('expected')}")
            case "int_type" | "int_from_float":
                sentences.append(
                    f"{path} is {_short(error['input'])}: must be a whole number, without quotes"
                )
            case "bool_type":
                sentences.append(f"{path} is {_short(error['input'])}: must be true or false")
            case _:
                sentences.append(f"{path} is {_short(error['input'])}: {error['msg'].lower()}")
    return sentences


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _day(value: object) -> str:
    if type(value) is date:
        return value.isoformat()
    raise TypeError(f"{value} is a time, and a policy holds whole days only")
