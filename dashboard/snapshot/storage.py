"""An object store, spoken to through fsspec: whole objects in and out, and one conditional write.

s3fs and all it brings are imported at first use, so a board on a folder never loads them. Keys come
from the environment only, are never printed, and every trouble becomes a sentence without them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from dashboard.errors import SettingError, StorageError
from dashboard.settings import Settings

# Pointer, pins and manifests are read as a whole; a manifest of 90 days of 25 tables is below 1 MB.
MOST_TEXT = 16 * 1024 * 1024
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
_NOT_THERE = ("NoSuchKey", "NoSuchBucket", "404")
_REFUSED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "403")
_NO_CONDITIONS = ("NotImplemented", "501")


class Overtaken(Exception):
    """A conditional write found that somebody else had written meanwhile."""


@dataclass(frozen=True)
class Keys:
    """What proves to the store who asks; never shown."""

    id: str = field(repr=False)
    secret: str = field(repr=False)
    token: str = field(repr=False, default="")
    region: str = "us-east-1"


def read_keys(env: Mapping[str, str] | None = None) -> Keys:
    """The keys in the AWS_ variables of ``env`` (the process environment by default).

    Raises ``SettingError`` naming the variable that is missing. Neither files below the home folder nor
    a metadata service are asked.
    """
    source = os.environ if env is None else env
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        if not source.get(name):
            raise SettingError(
                f"{name} is not set.",
                todo="The object store of TIANFU_SNAPSHOTS needs it in the environment.",
            )
    return Keys(
        id=source["AWS_ACCESS_KEY_ID"],
        secret=source["AWS_SECRET_ACCESS_KEY"],
        token=source.get("AWS_SESSION_TOKEN", ""),
        region=source.get("AWS_REGION") or source.get("AWS_DEFAULT_REGION") or "us-east-1",
    )


def open_store(settings: Settings) -> ObjectStore:
    """The object store of ``settings``. Nothing is connected before the first question."""
    return ObjectStore(settings.object_store, endpoint=settings.s3_endpoint, keys=read_keys)


@dataclass(frozen=True)
class Text:
    """A small object with the version it had when it was read."""

    text: str
    version: str


class ObjectStore:
    """The objects below one address ``s3://bucket/prefix``; names are relative to it.

    Every method raises ``StorageError`` with a sentence when the store does not answer or refuses.
    """

    def __init__(self, address: str, *, endpoint: str, keys: Callable[[], Keys]) -> None:
        self.address = address
        self._endpoint = endpoint
        self._read_keys = keys
        bucket, _, prefix = address.removeprefix("s3://").partition("/")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def read_text(self, name: str) -> Text | None:
        """A small object and its version, from one answer; None where there is none."""

        async def ask() -> tuple[bytes, str]:
            answer = await self._fs._call_s3("get_object", Bucket=self._bucket, Key=self._prefix + name)
            async with answer["Body"] as body:
                data = await body.read(MOST_TEXT + 1)
            return data, str(answer["ETag"])

        with self._trouble():
            try:
                data, version = self._wait(ask)
            except FileNotFoundError as error:
                if _code(error) == "NoSuchBucket":
                    raise
                return None
        if len(data) > MOST_TEXT:
            raise StorageError(f"{name} in {self.address} is larger than {MOST_TEXT} bytes.")
        try:
            return Text(data.decode("utf-8"), version)
        except UnicodeDecodeError:
            raise StorageError(f"{name} in {self.address} is no text.") from None

    def write_text(self, name: str, text: str, *, over: Text | None) -> None:
        """Write a small object only if it still is as ``over`` was read; ``over`` None: only if absent.

        Raises ``Overtaken`` otherwise. A store without conditional writes says so; then the version is
        compared right before a plain write, which leaves a moment in which two writers may collide.
        """
        where = {"Bucket": self._bucket, "Key": self._prefix + name}
        condition = {"IfMatch": over.version} if over else {"IfNoneMatch": "*"}
        with self._trouble():
            try:
                self._fs.call_s3("put_object", Body=text.encode(), **where, **condition)
                return
            except (OSError, NotImplementedError) as error:
                code = _code(error)
                if code in ("PreconditionFailed", "ConditionalRequestConflict", "412", "409"):
                    raise Overtaken(name) from error
                if code not in _NO_CONDITIONS:
                    raise
        known = self.read_text(name)
        if (known.version if known else "") != (over.version if over else ""):
            raise Overtaken(name)
        with self._trouble():
            self._fs.call_s3("put_object", Body=text.encode(), **where)

    def upload(self, path: Path, name: str, *, sha256: str = "") -> None:
        """Copy a file in; the object appears whole or not at all."""
        metadata = {"sha256": sha256} if sha256 else {}
        with self._trouble():
            self._fs.put_file(str(path), self._full(name), Metadata=metadata)

    def download(self, name: str, path: Path) -> None:
        """Copy an object out. A full disk stays an ``OSError`` with its number."""
        with self._trouble(local=True):
            self._fs.get_file(self._full(name), str(path))

    def sizes(self, folder: str) -> dict[str, int]:
        """Names below ``folder``, relative to it, with their bytes."""
        base = self._full(folder) + "/"
        with self._trouble():
            found = self._fs.find(base, detail=True)
        return {str(key).removeprefix(base): int(entry["size"]) for key, entry in found.items()}

    def folders(self) -> tuple[str, ...]:
        """Names of the folders right below the address."""
        with self._trouble():
            try:
                entries = self._fs.ls(self._full("").rstrip("/"), detail=True)
            except FileNotFoundError as error:
                if _code(error) == "NoSuchBucket":
                    raise
                return ()
        return tuple(
            str(entry["name"]).rstrip("/").rsplit("/", 1)[1]
            for entry in entries
            if entry["type"] == "directory"
        )

    def remove(self, names: list[str]) -> None:
        """Remove objects, in this order, one by one."""
        with self._trouble():
            for name in names:
                self._fs.rm_file(self._full(name))

    def _full(self, name: str) -> str:
        return f"{self._bucket}/{self._prefix}{name}"

    @cached_property
    def _fs(self) -> Any:
        import s3fs  # only here: a board on a folder never pays for it

        keys = self._read_keys()
        fs = s3fs.S3FileSystem(
            key=keys.id,
            secret=keys.secret,
            token=keys.token or None,
            endpoint_url=self._endpoint or None,
            client_kwargs={"region_name": keys.region},
            config_kwargs={"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 1}},
            # An instance or a listing kept by the library would show an old pointer.
            skip_instance_cache=True,
            use_listings_cache=False,
        )
        fs.retries = 2
        return fs

    def _wait(self, ask: Callable[[], Any]) -> tuple[bytes, str]:
        import fsspec.asyn

        return cast("tuple[bytes, str]", fsspec.asyn.sync(self._fs.loop, ask))

    @contextmanager
    def _trouble(self, *, local: bool = False) -> Iterator[None]:
        """Any trouble of the store as a sentence, by its kind: texts of the libraries may hold a key."""
        try:
            yield
        except (StorageError, SettingError, Overtaken):
            raise
        except Exception as error:
            if local and isinstance(error, OSError) and error.errno in _DISK and not _code(error):
                raise
            what, todo = _sentence(error)
            # Without its cause: a logged chain would show the libraries' texts.
            raise StorageError(f"The snapshot store {self.address} {what}.", todo=todo) from None


def _sentence(error: Exception) -> tuple[str, str]:
    code = _code(error)
    if code in _REFUSED or isinstance(error, PermissionError):
        return "refuses these keys", "Check the AWS_ variables and the rights of the keys."
    if code in _NOT_THERE or isinstance(error, FileNotFoundError):
        return "has no such bucket or object", "Check TIANFU_SNAPSHOTS; the bucket must exist."
    if code:
        return f"answers {code}", "Look into the log of the store."
    return f"does not answer ({type(error).__name__})", "Check TIANFU_S3_ENDPOINT and the network."


def _code(error: BaseException) -> str:
    """The store's own word for what is wrong, such as ``NoSuchKey``; "" when it did not answer."""
    for one in (error, error.__cause__):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            code = response.get("Error", {}).get("Code", "")
            return str(code) if str(code).isalnum() else "an error"
    return ""
