"""A real S3 server on 127.0.0.1 for the tests, with one bucket; ended with the block."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from moto.server import ThreadedMotoServer

from dashboard.snapshot.storage import Keys, ObjectStore

KEY_ID, SECRET = "AKIATESTONLY00000000", "only-for-tests-secret-9fQ2"
REGION = "us-east-1"


@dataclass
class S3Server:
    """A running server: its address and the environment a process needs to use it."""

    port: int
    bucket: str = "snapshots"
    server: ThreadedMotoServer | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}/board"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "TIANFU_SNAPSHOTS": self.address,
            "TIANFU_S3_ENDPOINT": self.url,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
        }

    def store(self) -> ObjectStore:
        return ObjectStore(self.address, endpoint=self.url, keys=lambda: Keys(KEY_ID, SECRET, region=REGION))

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()
            self.server = None

    def start(self) -> None:
        """Start, or start again at the same port; what was stored is still there."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self.server.start()
        _host, self.port = self.server.get_host_and_port()


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """The server with an empty bucket."""
    running = S3Server(port=0)
    running.start()
    try:
        fs = running.store()._fs
        if fs.exists(running.bucket):
            fs.rm(running.bucket, recursive=True)
        fs.call_s3("create_bucket", Bucket=running.bucket)
        yield running
    finally:
        running.stop()
