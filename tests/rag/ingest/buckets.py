"""A server that speaks S3 on this machine, and objects in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from rag.ingest import objects


class Bucket:
    """An S3 bucket; `url` is its address for an ingest, and `server` that of the server."""

    def __init__(self, server: str) -> None:
        import boto3

        self.server, self.url = server, "s3://news"
        self._client: Any = boto3.client("s3")
        self._tell("reset-auth", b"inf")
        self._tell("reset")
        self._client.create_bucket(Bucket="news")

    def put(self, name: str, text: str) -> None:
        """Write an object."""
        self._client.put_object(Bucket="news", Key=name, Body=text.encode())

    def delete(self, name: str) -> None:
        """Delete an object."""
        self._client.delete_object(Bucket="news", Key=name)

    def check_keys(self) -> None:
        """Refuse whoever has no valid key from now on."""
        self._tell("reset-auth", b"0")

    def _tell(self, what: str, content: bytes = b"") -> None:
        # Servers in one process share what they hold.
        assert httpx.post(f"{self.server}/moto-api/{what}", content=content, trust_env=False).status_code == 200

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


@contextlib.contextmanager
def bucket(patch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Lend a new server's bucket, whose address and keys are in the environment."""
    s3fs = pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    given = {"ENDPOINT_URL": f"http://{host}:{port}", "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "hush-hush"}
    for name, value in (given | {"DEFAULT_REGION": "us-east-1", "EC2_METADATA_DISABLED": "true"}).items():
        patch.setenv(f"AWS_{name}", value)
    try:
        with contextlib.closing(Bucket(given["ENDPOINT_URL"])) as made:
            yield made
    finally:
        for files in objects._stores.values():
            if isinstance(files, s3fs.S3FileSystem) and files._s3 is not None:
                files.close_session(files.loop, files._s3)
        objects._stores.clear()  # they keep the server's address
        server.stop()
