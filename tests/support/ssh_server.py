"""An sshd of our own, from Debian's package unpacked beside the host's own, for one who has its key.

It wants a user for itself, which most hosts lack: run it in a mount namespace, where /etc/passwd can be another.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.debian import unpacked

USER = "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n"
CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
PidFile none
SetEnv PATH={folder}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class SshServer:
    """Files in the folder: key, the client's; known_hosts; bin/, first in the path of those who log in."""

    folder: Path
    port: int

    def prepare(self) -> list[str]:
        """Writes what it needs; the command, which says `first_words` when it is ready. Raises CannotFetch."""
        root = unpacked("openssh-server", "openssh-server", "libwrap0")
        (self.folder / "bin").mkdir(parents=True)
        for name in ("key", "host_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)], check=True)
        public = (self.folder / "host_key.pub").read_text()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {public}")
        (self.folder / "passwd").write_text(Path("/etc/passwd").read_text() + USER)
        (self.folder / "sshd_config").write_text(CONFIG.format(folder=self.folder, port=self.port))
        script = 'mkdir -p /run/sshd; mount --bind "$1/passwd" /etc/passwd && exec "$2" -D -e -f "$1/sshd_config" 2>&1'
        libraries = root / "usr" / "lib" / "x86_64-linux-gnu"
        environment = ["env", f"LD_LIBRARY_PATH={libraries}"]
        return [*environment, "sh", "-c", script, "sh", str(self.folder), str(root / "usr" / "sbin" / "sshd")]

    @property
    def first_words(self) -> str:
        return f"Server listening on 127.0.0.1 port {self.port}."
