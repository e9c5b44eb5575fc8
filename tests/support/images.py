"""Container images out of the host's static busybox, byte for byte the same each time; no registry is needed.

    python tests/support/images.py --out DIR     writes pause.tar and busybox.tar

Each archive is an OCI layout that `docker load` reads too: import it with `ctr -n k8s.io images import pause.tar`.
Standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

PAUSE = "kubenode.test/pause:1"
BUSYBOX = "kubenode.test/busybox:1"
VARIANT = "kubenode.test/variant:1"

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
EPOCH = "1970-01-01T00:00:00Z"

# PID 1 has no default action on SIGTERM, and of what is orphaned in the pod it is the parent: it must reap.
SLEEP_UNTIL_TERM = "trap 'exit 0' TERM INT; while :; do sleep 2147483647 & wait $!; done"

PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\napp:x:1000:1000:app:/home:/bin/sh\n"
GROUP = "root:x:0:\nnogroup:x:65534:\napp:x:1000:\n"


@dataclass(frozen=True)
class Image:
    """An image of one layer. files: path -> (content, mode); links: path -> target; directories: path -> mode."""

    name: str
    config: Mapping[str, object]
    files: Mapping[str, tuple[bytes, int]]
    links: Mapping[str, str] = field(default_factory=dict)
    directories: Mapping[str, int] = field(default_factory=dict)


class NoBusybox(Exception):
    """The host lacks a busybox that runs in an otherwise empty root."""


def busybox_path() -> Path:
    """The host's static busybox. Raises NoBusybox."""
    found = shutil.which("busybox", path="/bin:/usr/bin:/usr/local/bin")
    # A dynamic program names its interpreter, the loader, in its first page.
    if found is None or b"/ld-" in Path(found).read_bytes()[:4096]:
        raise NoBusybox("a static busybox is needed to make images: apt-get install busybox-static")
    return Path(found)


def all_images() -> list[Image]:
    """The sandbox image; a general one with all applets and httpd; one with a user, an entry point and variables."""
    busybox = busybox_path()
    content = busybox.read_bytes()
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    path = "PATH=/bin"
    pause = Image(
        PAUSE,
        {"Entrypoint": ["/bin/sh", "-c", SLEEP_UNTIL_TERM], "Env": [path]},
        files={"bin/busybox": (content, 0o755)},
        links={"bin/sh": "busybox", "bin/sleep": "busybox"},
    )
    general = Image(
        BUSYBOX,
        {"Cmd": ["sh"], "Env": [path]},
        files={
            "bin/busybox": (content, 0o755),
            "etc/passwd": (PASSWD.encode(), 0o644),
            "etc/group": (GROUP.encode(), 0o644),
            "www/index.html": (b"hello from busybox\n", 0o644),
        },
        links={f"bin/{name}": "busybox" for name in applets if name != "busybox"},
        directories={"tmp": 0o1777, "root": 0o700, "home": 0o777, "proc": 0o555, "sys": 0o555, "dev": 0o755},
    )
    config = {
        "User": "app",
        "Entrypoint": ["/bin/sh", "-c"],
        "Cmd": ["id; env; pwd"],
        "Env": [path, "FLAVOUR=variant"],
        "WorkingDir": "/home",
        "Labels": {"kubenode.test/flavour": "variant"},
    }
    return [pause, general, replace(general, name=VARIANT, config=config)]


def write_archives(folder: Path) -> dict[str, Path]:
    """Writes pause.tar and busybox.tar (which holds the variant too); returns the archive of each image by its name."""
    pause, busybox, variant = all_images()
    folder.mkdir(parents=True, exist_ok=True)
    for path, images in ((folder / "pause.tar", [pause]), (folder / "busybox.tar", [busybox, variant])):
        path.write_bytes(archive(images))
    return {PAUSE: folder / "pause.tar", BUSYBOX: folder / "busybox.tar", VARIANT: folder / "busybox.tar"}


def archive(images: Sequence[Image]) -> bytes:
    """An OCI layout with these images, and the manifest of docker's own format beside it."""
    blobs: dict[str, bytes] = {}
    index, docker = [], []
    for image in images:
        layer = _tar(_layer_members(image))
        config = _json(_config(image, layer))
        manifest = _json(_manifest(config, layer))
        for blob in (layer, config, manifest):
            blobs[_blob_path(blob)] = blob
        names = {"io.containerd.image.name": image.name, "org.opencontainers.image.ref.name": image.name.split(":")[-1]}
        index.append(_descriptor("application/vnd.oci.image.manifest.v1+json", manifest) | {"annotations": names})
        docker.append({"Config": _blob_path(config), "RepoTags": [image.name], "Layers": [_blob_path(layer)]})
    files = blobs | {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json({"schemaVersion": 2, "manifests": index}),
        "manifest.json": _json(docker),
    }
    return _tar(_file(name, content, 0o644) for name, content in sorted(files.items()))


def _config(image: Image, layer: bytes) -> dict[str, object]:
    return {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "created": EPOCH,
        "config": image.config,
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        "history": [{"created": EPOCH, "created_by": "kubenode tests"}],
    }


def _manifest(config: bytes, layer: bytes) -> dict[str, object]:
    return {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
    }


def _descriptor(media_type: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


Member = tuple[tarfile.TarInfo, bytes]


def _layer_members(image: Image) -> Iterable[Member]:
    paths = [*image.files, *image.links]
    parents = {str(parent): 0o755 for path in paths for parent in Path(path).parents if parent != Path()}
    for path, mode in sorted((parents | dict(image.directories)).items()):
        yield _entry(path, tarfile.DIRTYPE, mode), b""
    for path, (content, mode) in sorted(image.files.items()):
        yield _file(path, content, mode)
    for path, target in sorted(image.links.items()):
        entry = _entry(path, tarfile.SYMTYPE, 0o777)
        entry.linkname = target
        yield entry, b""


def _file(path: str, content: bytes, mode: int) -> Member:
    entry = _entry(path, tarfile.REGTYPE, mode)
    entry.size = len(content)
    return entry, content


def _entry(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    # TarInfo's own defaults are root, and the epoch.
    entry = tarfile.TarInfo(path)
    entry.type = kind
    entry.mode = mode
    return entry


def _tar(members: Iterable[Member]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _blob_path(blob: bytes) -> str:
    return _digest(blob).replace("sha256:", "blobs/sha256/")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Writes the archives of the test images: pause.tar and busybox.tar.")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write them to")
    try:
        written = write_archives(parser.parse_args(arguments).out)
    except NoBusybox as error:
        print(error, file=sys.stderr)
        return 1
    for name, path in written.items():
        print(f"{name}\t{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
