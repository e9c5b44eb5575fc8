"""Pushes images of one small layer to two registries, the second with a login: `push.py ADDRESS PRIVATE`.

Prints the digest of each tag. With a third argument, TAG=CONTENT, only that one is pushed, to the first.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import sys
import tarfile
import urllib.parse
import urllib.request

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LOGIN = base64.b64encode(b"user:secret").decode()


def main(address: str, private: str, one: str = "") -> None:
    if one:
        tag, _, content = one.partition("=")
        print(json.dumps({tag: push(address, tag, content)}))
        return
    wanted = {**{f"many/image{number}:1": f"{number}" for number in range(20)}, "web:1": "one", "web:other": "other"}
    digests = {name: push(address, name, content) for name, content in wanted.items()}
    digests["web:stable"] = push(address, "web:stable", "one")
    digests["private/web:1"] = push(private, "private/web:1", "private", LOGIN)
    print(json.dumps(digests))


def push(address: str, name: str, content: str, login: str = "") -> str:
    repository, _, tag = name.partition(":")
    layer = tar(content.encode())
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/none"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(gzip.decompress(layer))]},
    }
    blobs = [json.dumps(config).encode(), layer]
    for blob in blobs:
        upload(address, repository, blob, login)
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", blobs[0]),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", blobs[1])],
        }
    ).encode()
    send("PUT", f"http://{address}/v2/{repository}/manifests/{tag}", manifest, MANIFEST, login)
    return digest(manifest)


def upload(address: str, repository: str, blob: bytes, login: str) -> None:
    place = send("POST", f"http://{address}/v2/{repository}/blobs/uploads/", b"", "", login)
    joint = "&" if "?" in place else "?"
    query = urllib.parse.urlencode({"digest": digest(blob)})
    send("PUT", f"{place}{joint}{query}", blob, "application/octet-stream", login)


def send(method: str, url: str, data: bytes, kind: str, login: str) -> str:
    headers = {"Content-Type": kind} if kind else {}
    if login:
        headers["Authorization"] = f"Basic {login}"
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
        return str(answer.headers.get("Location", ""))


def tar(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo("content")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def descriptor(kind: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": kind, "digest": digest(blob), "size": len(blob)}


if __name__ == "__main__":
    main(*sys.argv[1:])
