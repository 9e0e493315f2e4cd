"""The settings of a stock policy engine (OPA) that pulls from this board, ready to be saved and used."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import indent

from dashboard.envelope.bundle import ROOT, SCOPE
from dashboard.envelope.jws import ALG
from dashboard.envelope.keys import Trust

# The bundle names the key that signed it, and no keyid here pins one: so two keys can overlap in a rotation.
_SETTINGS = """\
services:
  tianfu:
    url: {url}/opa/v1
    response_header_timeout_seconds: 10
    credentials:
      bearer:
        token: "${{TIANFU_OPA_TOKEN}}"
bundles:
  {root}:
    service: tianfu
    resource: bundles/{root}
    persist: true
    polling:
      min_delay_seconds: 10
      max_delay_seconds: 20
    signing:
      scope: {scope}
persistence_directory: ./opa-persisted
status:
  service: tianfu
decision_logs:
  service: tianfu
  reporting:
    min_delay_seconds: 5
    max_delay_seconds: 10
default_decision: /{root}/policy/answer
keys:
"""


def render_settings(url: str, keys: Mapping[str, str]) -> str:
    """The settings as YAML, for the board at ``url`` and public keys (PEM) by their ``kid``."""
    text = _SETTINGS.format(url=url.rstrip("/"), root=ROOT, scope=SCOPE)
    for kid, pem in keys.items():
        text += f"  {kid}:\n    algorithm: {ALG}\n    key: |\n{indent(pem.strip(), ' ' * 6)}\n"
    return text


def public_keys(trust: Trust) -> dict[str, str]:
    """Every key of the trust file as PEM; its times are not part of an engine's settings."""
    return {key.kid: bytes(key.ec_key().as_pem(private=False)).decode("ascii") for key in trust.keys}
