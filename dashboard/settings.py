"""Settings as data: each is a name, an environment variable, a default and one sentence.

The reference page ``docs/settings.md`` is generated from ``SETTINGS``; a test fails when a field of
``Settings`` is not declared here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dashboard.errors import SettingError


@dataclass(frozen=True)
class Setting:
    """One declared setting: field name, environment variable, default as text, one sentence."""

    field: str
    env: str
    default: str
    sentence: str


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "home", "TIANFU_HOME", "var", "Folder that holds all state: snapshots, database, keys, quarantine."
    ),
    Setting(
        "snapshots_at",
        "TIANFU_SNAPSHOTS",
        "",
        "Where snapshots are published: a folder, local or shared, or s3://bucket/prefix; empty means "
        "'snapshots' inside TIANFU_HOME.",
    ),
    Setting(
        "s3_endpoint",
        "TIANFU_S3_ENDPOINT",
        "",
        "Address of an S3-compatible store other than Amazon's, such as http://127.0.0.1:9000; the keys are "
        "read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    ),
    Setting(
        "host",
        "TIANFU_HOST",
        "127.0.0.1",
        "Address the board listens on; demo accounts refuse any other than loopback.",
    ),
    Setting("port", "PORT", "8050", "Port of the board."),
    Setting("workers", "TIANFU_WORKERS", "2", "Web worker processes."),
    Setting("threads", "TIANFU_THREADS", "8", "Threads of each web worker."),
    Setting(
        "boundaries",
        "TIANFU_BOUNDARIES",
        "",
        "An approved boundary file (GeoJSON or GeoPackage) used instead of the packaged one.",
    ),
    Setting(
        "boundaries_crs",
        "TIANFU_BOUNDARIES_CRS",
        "",
        "CRS of that file when it does not declare one: an EPSG code, or GCJ-02.",
    ),
    Setting(
        "database_url",
        "TIANFU_DATABASE_URL",
        "",
        "SQLAlchemy URL of the store; empty means SQLite inside TIANFU_HOME.",
    ),
    Setting("rules_host", "RULES_HOST", "127.0.0.1", "Address the packaged rules service listens on."),
    Setting("rules_port", "RULES_PORT", "8060", "Port of the packaged rules service."),
    Setting(
        "rules_url",
        "TIANFU_RULES_URL",
        "",
        "Address of the rules service that policies are published to; empty means the packaged one.",
    ),
    Setting(
        "rules_token",
        "TIANFU_RULES_TOKEN",
        "",
        "Bearer token of the rules service; empty reads the file 'rules-token' in TIANFU_HOME, which the "
        "demo makes.",
    ),
    Setting(
        "policy_key",
        "TIANFU_POLICY_KEY",
        "",
        "File with the private key (EC P-256, PEM) that signs policies; empty means 'keys/policy.pem' in "
        "TIANFU_HOME, which the demo makes.",
    ),
    Setting(
        "policy_trust",
        "TIANFU_POLICY_TRUST",
        "",
        "File with the public keys (JWKS) that signed policies are checked with; empty means "
        "'keys/policy-trust.json' in TIANFU_HOME.",
    ),
    Setting(
        "secure_cookies",
        "TIANFU_SECURE_COOKIES",
        "0",
        "1 sends cookies over HTTPS only; set it wherever the board is reached by HTTPS.",
    ),
    Setting(
        "session_idle_minutes",
        "TIANFU_SESSION_IDLE_MINUTES",
        "60",
        "A session ends after this many minutes without a request.",
    ),
    Setting(
        "session_absolute_hours",
        "TIANFU_SESSION_ABSOLUTE_HOURS",
        "12",
        "A session ends after this many hours in any case.",
    ),
    Setting(
        "demo_password",
        "TIANFU_DEMO_PASSWORD",
        "",
        "Password of the demo accounts; empty makes one at first start and prints it.",
    ),
)


@dataclass(frozen=True)
class Settings:
    """The settings of one process, read once and passed down; nothing else reads the environment."""

    home: Path
    snapshots_at: str
    s3_endpoint: str
    host: str
    port: int
    workers: int
    threads: int
    boundaries: Path | None
    boundaries_crs: str
    database_url: str
    rules_host: str
    rules_port: int
    rules_url: str
    rules_token: str
    policy_key: Path | None
    policy_trust: Path | None
    secure_cookies: bool
    session_idle_minutes: int
    session_absolute_hours: int
    demo_password: str

    @property
    def object_store(self) -> str:
        """Address ``s3://bucket/prefix`` of the object store, or "" where snapshots lie in a folder."""
        return self.snapshots_at if "://" in self.snapshots_at else ""

    @property
    def snapshots(self) -> Path:
        """Folder in which snapshots are built; with an object store they are copied there from it."""
        if self.snapshots_at and not self.object_store:
            return Path(self.snapshots_at).resolve()
        return self.home / "snapshots"

    @property
    def rules_address(self) -> str:
        """Address of the rules service without a slash at its end."""
        return self.rules_url or f"http://{self.rules_host}:{self.rules_port}"

    @property
    def board_snapshots(self) -> Path:
        """Folder the board reads: the same one, or its own copy of what an object store holds."""
        return self.home / "snapshot-cache" if self.object_store else self.snapshots


def read_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Read all settings from ``env`` (the process environment by default).

    Raises ``SettingError`` naming the variable, its value and what it must be.
    """
    source = os.environ if env is None else env
    raw = {s.field: source.get(s.env, "").strip() or s.default for s in SETTINGS}
    return Settings(
        home=Path(raw["home"]).resolve(),
        snapshots_at=_place(raw["snapshots_at"]),
        s3_endpoint=_endpoint(raw["s3_endpoint"]),
        host=raw["host"],
        port=_number(raw, "port", 1, 65535),
        workers=_number(raw, "workers", 1, 64),
        threads=_number(raw, "threads", 1, 64),
        boundaries=Path(raw["boundaries"]) if raw["boundaries"] else None,
        boundaries_crs=raw["boundaries_crs"],
        database_url=raw["database_url"],
        rules_host=raw["rules_host"],
        rules_port=_number(raw, "rules_port", 1, 65535),
        rules_url=_http_address(raw, "rules_url"),
        rules_token=raw["rules_token"],
        policy_key=Path(raw["policy_key"]) if raw["policy_key"] else None,
        policy_trust=Path(raw["policy_trust"]) if raw["policy_trust"] else None,
        secure_cookies=_switch(raw, "secure_cookies"),
        session_idle_minutes=_number(raw, "session_idle_minutes", 1, 24 * 60),
        session_absolute_hours=_number(raw, "session_absolute_hours", 1, 24 * 30),
        demo_password=raw["demo_password"],
    )


def _env_of(field: str) -> str:
    return next(s.env for s in SETTINGS if s.field == field)


def _number(raw: Mapping[str, str], field: str, low: int, high: int) -> int:
    text = raw[field]
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise SettingError(
            f"{_env_of(field)} is {text!r}.", todo=f"Set it to a whole number from {low} to {high}."
        )
    return value


# A refused address is not repeated: it may hold a key, where people put one by mistake.
def _place(text: str) -> str:
    if "://" not in text:
        return text
    if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._=-]+)*/?", text):
        raise SettingError(
            "TIANFU_SNAPSHOTS is neither a folder nor an address such as s3://bucket/prefix.",
            todo="Write bucket and prefix in letters, digits, dots and hyphens, without any key.",
        )
    return text.rstrip("/")


def _http_address(raw: Mapping[str, str], field: str) -> str:
    text = raw[field]
    if text and not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:_-]+(/[A-Za-z0-9._~-]+)*/?", text):
        raise SettingError(
            f"{_env_of(field)} is no address such as https://rules.example:8060.",
            todo="Name scheme, host, port and at most a path, without a name or password.",
        )
    return text.rstrip("/")


def _endpoint(text: str) -> str:
    if text and not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:_-]+/?", text):
        raise SettingError(
            "TIANFU_S3_ENDPOINT is no address such as https://store.example:9000.",
            todo="Name scheme, host and port only; keys are read from the AWS_ variables.",
        )
    return text.rstrip("/")


def _switch(raw: Mapping[str, str], field: str) -> bool:
    if raw[field] not in ("0", "1"):
        raise SettingError(f"{_env_of(field)} is {raw[field]!r}.", todo="Set it to 0 or 1.")
    return raw[field] == "1"
