"""HTTP over a Unix socket, with the standard library."""

from __future__ import annotations

import http.client
import socket
from contextlib import closing
from pathlib import Path

SECONDS = 10.0


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def get(socket_path: Path, path: str) -> bytes:
    """The body of a 200 answer. Raises OSError for all else."""
    with closing(_Connection(socket_path)) as connection:
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        except http.client.HTTPException as error:
            raise OSError(f"GET {path}: {type(error).__name__}: {error}") from error
    if answer.status != 200:
        raise OSError(f"GET {path}: {answer.status} {body.decode()}")
    return body
