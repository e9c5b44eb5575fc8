"""A node that manifests written for real ones find as they left it, in a runtime's namespaces.

What they take from the node's file system stands below a folder of the test; they get other paths, and nothing else.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from support.containerd import RealRuntime

ADDRESS = "192.0.2.11"
# The node's own, which the manifests look at and do not change.
KEPT_PATHS = ("/", "/proc", "/var/log")
CERTIFICATES = {"apiserver": "kube-apiserver", "etcd/server": "etcd"}
FILES = {
    "etc/kubernetes/controller-manager.conf": "kind: Config\n",
    "etc/kubernetes/scheduler.conf": "kind: Config\n",
    "etc/cni/net.d/00-other.conflist": "{}\n",
    "lib/modules/6.1/modules.dep": "",
    "var/log/boot.log": "booted\n",
}
FOLDERS = ("etc/kubernetes/pki/etcd", "opt/cni/bin", "run", "sys/fs/bpf", "var/lib", "var/log/pods")


class RealNode:
    """`host`: the folder that stands for the node's root."""

    def __init__(self, host: Path, runtime: RealRuntime) -> None:
        self.host = host
        self._runtime = runtime

    def path(self, on_node: str) -> Path:
        """Where the test sees this path of the node."""
        return self.host / on_node.lstrip("/")

    def do(self, *command: str) -> str:
        """The output of a command on the node. Raises CalledProcessError."""
        return subprocess.run(self._runtime.inside(*command), check=True, capture_output=True, text=True).stdout

    def unmount(self) -> None:
        """Undo what pods mounted for the node."""
        places = [line.split()[1] for line in self.do("cat", "/proc/mounts").splitlines()]
        for place in reversed(places):
            if Path(place).is_relative_to(self.host):
                self.do("umount", place)

    def adapted(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """The manifest with its hostPaths below the folder; the other fields stay."""
        for volume in manifest["spec"].get("volumes", []):
            source = volume.get("hostPath")
            if source and source["path"] not in KEPT_PATHS:
                source["path"] = str(self.path(source["path"]))
        return manifest


@contextmanager
def real_node(host: Path, runtime: RealRuntime) -> Iterator[RealNode]:
    """With an address, mounts that are shared as systemd has them, `/var/log` of its own, certificates."""
    node = RealNode(host, runtime)
    for name in FOLDERS:
        (host / name).mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (host / name).parent.mkdir(parents=True, exist_ok=True)
        (host / name).write_text(text)
    for name, subject in CERTIFICATES.items():
        _make_certificate(host / "etc/kubernetes/pki" / name, subject)
    with ExitStack() as undo:

        def did(command: str, undone: str) -> None:
            node.do(*command.split())
            undo.callback(node.do, *undone.split())

        did("ip link add node0 type bridge", "ip link del node0")
        for words in (f"addr add {ADDRESS}/24 dev node0", "link set node0 up", "route add default dev node0"):
            node.do("ip", *words.split())
        did("mount --make-rshared /", "mount --make-rprivate /")
        did(f"mount --bind {host}/var/log /var/log", "umount /var/log")
        undo.callback(node.unmount)
        yield node


def _make_certificate(path: Path, subject: str) -> None:
    """A key, a certificate that signs itself, and beside them the same as the authority's."""
    request = f"openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN={subject}"
    names = f"subjectAltName=IP:127.0.0.1,IP:{ADDRESS}"
    files = ["-addext", names, "-keyout", f"{path}.key", "-out", f"{path}.crt"]
    subprocess.run([*request.split(), *files], check=True, capture_output=True)
    (path.parent / "ca.crt").write_bytes(Path(f"{path}.crt").read_bytes())
