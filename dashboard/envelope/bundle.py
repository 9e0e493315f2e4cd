"""An envelope as a signed bundle for a stock policy engine (OPA): the same bytes from the same envelope.

A gzipped tar of ``.manifest``, ``tianfu/thresholds/data.json`` (the payload of the envelope),
``tianfu/policy/policy.rego`` and ``.signatures.json``, which holds exactly one ES256 JWT over the hashes of
the other files. The signature is the deterministic one of RFC 6979, so every worker serves the same bundle.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from dashboard.envelope.jws import ALG
from dashboard.envelope.keys import SigningKey
from dashboard.envelope.model import Envelope, payload_bytes
from dashboard.envelope.rego_module import packaged_rego

CONTENT_TYPE = "application/vnd.openpolicyagent.bundles"
ROOT = "tianfu"
SCOPE = "write"
_DATA, _REGO = f"{ROOT}/thresholds/data.json", f"{ROOT}/policy/policy.rego"


def build_bundle(envelope: Envelope, key: SigningKey) -> bytes:
    """The bundle of ``envelope``, signed with ``key``; its revision is that of the envelope."""
    manifest = {"revision": envelope.revision, "roots": [ROOT], "rego_version": 1}
    files = {
        ".manifest": _compact(manifest),
        _DATA: payload_bytes(envelope),
        _REGO: packaged_rego().encode(),
    }
    signed = {"files": [_entry(name, content) for name, content in files.items()], "scope": SCOPE}
    signatures = _compact({"signatures": [_token(signed, key)]})
    return _pack({**files, ".signatures.json": signatures})


def etag_of(bundle: bytes) -> str:
    """The entity tag of a bundle, in quotes: the hash of its bytes, since equal bytes are one bundle."""
    return f'"{hashlib.sha256(bundle).hexdigest()}"'


def hash_file(name: str, content: bytes) -> str:
    """The hash the engine computes of a file: structured ones are parsed and hashed with sorted keys."""
    if name.rpartition("/")[2] in (".manifest", "data.json"):
        return hashlib.sha256(_structured(json.loads(content)).encode()).hexdigest()
    return hashlib.sha256(content).hexdigest()


def _structured(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # The engine writes these two escaped, in keys and values alike, as JavaScript wants them.
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _entry(name: str, content: bytes) -> dict[str, str]:
    return {"name": name, "hash": hash_file(name, content), "algorithm": "SHA-256"}


def _token(claims: object, key: SigningKey) -> str:
    head = _b64(_compact({"alg": ALG, "kid": key.kid, "typ": "JWT"}))
    signing = f"{head}.{_b64(_compact(claims))}"
    private = key.key.private_key
    if private is None:
        raise ValueError("a public key signs no bundle")
    der = private.sign(signing.encode(), ec.ECDSA(SHA256(), deterministic_signing=True))
    first, second = decode_dss_signature(der)
    return f"{signing}.{_b64(first.to_bytes(32) + second.to_bytes(32))}"


def _pack(files: dict[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)  # no time, no owner: nothing but name and content
            info.size = len(content)
            info.mode = 0o644
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), compresslevel=9, mtime=0)


def _compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
