"""Real containerds for tests: each in namespaces of its own, gone without a trace also when the tests are killed.

    pytest ─┬─ janitor (own session): ends the rest when pytest is gone, removes folder and cgroups
            └─ unshare ── holder (PID 1 in there) ─┬─ containerd
                                                   └─ shims and pods, which outlive a containerd

Root is needed, and from Debian: containerd, runc, containernetworking-plugins, busybox-static, iproute2.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Self

import grpc

from kubenode.clients.stubs import cri_pb2 as pb

HERE = Path(__file__).parent
DEBIAN_BINARIES = Path("/usr/bin")
CNI_PLUGINS = Path("/usr/lib/cni")
SUBNET = "10.99.0.0/16"
READY_WITHIN = 30.0  # seconds
CAP_SYS_RESOURCE = 24

CONFIG = """\
version = 2
root = "{root}/root"
state = "{root}/state"
# The first makes /opt/containerd.
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing"]

[grpc]
address = "{root}/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
netns_mounts_under_state_dir = true
restrict_oom_score_adj = {restrict_oom_score_adj}
enable_unprivileged_ports = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{cni_plugins}"
conf_dir = "{root}/net.d"

[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "{root}/certs.d"
"""

NETWORK = {
    "cniVersion": "1.0.0",
    "name": "kubenode-test",
    "plugins": [
        {
            "type": "bridge",
            "bridge": "kn0",
            "isGateway": True,
            "hairpinMode": True,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": SUBNET}]], "routes": [{"dst": "0.0.0.0/0"}]},
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
        {"type": "loopback"},
    ],
}


class RuntimeTrouble(Exception):
    """The test's containerd did not do as it should; holds the end of its log."""


class RealRuntime:
    """A containerd of our own.

    endpoint: its CRI socket, reachable from outside
    version: e.g. "1.6.20~ds1"
    root: its folder: config.toml, containerd.log, certs.d/ (registries), cni/ (/var/lib/cni in there), net.d/
    pid: of the first process in its namespaces, for `nsenter --target`; or use `inside`
    cgroup_root: a path below which pods' cgroups belong; removed with all below in the end
    """

    def __init__(self, binaries: Path, pause_image: str) -> None:
        """Starts it, with no image. Binaries: the folder of containerd, its shims and ctr. Raises RuntimeTrouble."""
        self.binaries = binaries
        self._janitor = _spawn(sys.executable, "-I", str(HERE / "janitor.py"), new_session=True)
        self.janitor_pid = self._janitor.pid
        self.root = Path(_line(self._janitor))
        self.cgroup_root = f"/{self.root.name}"
        self.endpoint = f"unix://{self.root}/containerd.sock"
        self._configure(pause_image)
        self._holder = _spawn(*self._holder_command(), path=f"{binaries}:{os.environ['PATH']}:/usr/sbin:/sbin")
        self._register(self._holder.pid)
        if (answer := _line(self._holder)) != "ok":
            raise RuntimeTrouble(f"cannot set up the namespaces: {answer or 'see above'}")
        self.pid = _only_child(self._holder.pid)
        self._register(self.pid)
        self.version = ""
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends everything and returns when it is gone. Raises RuntimeTrouble when something is left."""
        self._janitor.communicate(timeout=60)
        self._holder.communicate(timeout=60)
        if self._janitor.returncode:
            raise RuntimeTrouble(f"{self.root} could not be removed")

    def start(self) -> None:
        """Starts containerd with the state it had, and returns when it takes pods."""
        self._command("start")
        self._until_ready()

    def stop(self) -> None:
        """Ends containerd as systemd would; shims and pods go on."""
        self._command("stop")

    def kill(self) -> None:
        """Kills containerd alone, with no chance to write anything."""
        self._command("kill")

    def pause(self) -> None:
        """Makes containerd hang: the socket is there, nothing answers."""
        self._command("pause")

    def resume(self) -> None:
        self._command("resume")

    def inside(self, *command: str) -> list[str]:
        """A command line that runs the command in the runtime's namespaces: its network, processes and mounts."""
        return ["nsenter", f"--target={self.pid}", "--mount", "--net", "--pid", "--", *command]

    def ctr(self, *arguments: str) -> str:
        """Output of ctr in the namespace of CRI. Raises CalledProcessError."""
        socket = self.endpoint.removeprefix("unix://")
        command = self.inside(str(self.binaries / "ctr"), "-a", socket, "-n", "k8s.io", *arguments)
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL).stdout

    def load(self, archive: Path, *names: str) -> None:
        """Imports the images of an archive and returns when CRI knows those named."""
        self.ctr("images", "import", str(archive))
        for name in names:
            self.await_image(name)

    def await_image(self, name: str) -> None:
        """Returns when CRI knows the image by this name."""
        self._until(partial(self._has_image, name), f"the image {name}")

    async def http_get(self, url: str, *, within: float = 5.0) -> str:
        """The body at this URL, asked for in the runtime's network. Raises ConnectionError with what was said."""
        process = await asyncio.create_subprocess_exec(
            *self.inside("busybox", "wget", "-q", "-O", "-", url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(within):
                body, said = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.communicate()
            raise ConnectionError(f"GET {url}: no answer within {within:g} s") from None
        if process.returncode:
            raise ConnectionError(f"GET {url}: {said.decode().strip()}")
        return body.decode()

    def log_tail(self, lines: int = 20) -> str:
        """The last lines that containerd wrote."""
        path = self.root / "containerd.log"
        return "\n".join(path.read_text().splitlines()[-lines:]) if path.exists() else ""

    def _configure(self, pause_image: str) -> None:
        (self.root / "certs.d").mkdir()
        (self.root / "net.d").mkdir()
        (self.root / "net.d" / "10-kubenode-test.conflist").write_text(json.dumps(NETWORK))
        restrict = str(not _has_capability(CAP_SYS_RESOURCE)).lower()
        config = CONFIG.format(
            root=self.root, pause=pause_image, cni_plugins=CNI_PLUGINS, restrict_oom_score_adj=restrict
        )
        (self.root / "config.toml").write_text(config)

    def _holder_command(self) -> list[str]:
        isolate = "setpriv --pdeathsig KILL unshare --fork --kill-child=SIGKILL --pid --mount-proc --mount --net --"
        holder = [sys.executable, "-I", str(HERE / "holder.py"), str(self.root)]
        containerd = [str(self.binaries / "containerd"), "--config", str(self.root / "config.toml")]
        return [*isolate.split(), *holder, *containerd]

    def _register(self, pid: int) -> None:
        assert self._janitor.stdin is not None
        self._janitor.stdin.write(f"pid {pid}\n")
        self._janitor.stdin.flush()

    def _command(self, word: str) -> None:
        assert self._holder.stdin is not None
        self._holder.stdin.write(f"{word}\n")
        self._holder.stdin.flush()
        if (answer := _line(self._holder)) != "ok":
            raise RuntimeTrouble(f"{answer or 'its namespaces are gone'}\n{self.log_tail()}")

    def _until_ready(self) -> None:
        def ready() -> bool:
            with self._channel() as channel:
                ask = channel.unary_unary(
                    "/runtime.v1.RuntimeService/Status",
                    pb.StatusRequest.SerializeToString,
                    pb.StatusResponse.FromString,
                )
                conditions = ask(pb.StatusRequest(), timeout=READY_WITHIN).status.conditions
                tell = channel.unary_unary(
                    "/runtime.v1.RuntimeService/Version",
                    pb.VersionRequest.SerializeToString,
                    pb.VersionResponse.FromString,
                )
                self.version = tell(pb.VersionRequest(), timeout=READY_WITHIN).runtime_version
            return bool(conditions) and all(condition.status for condition in conditions)

        self._until(ready, "containerd to take pods")

    def _has_image(self, name: str) -> bool:
        with self._channel() as channel:
            ask = channel.unary_unary(
                "/runtime.v1.ImageService/ImageStatus",
                pb.ImageStatusRequest.SerializeToString,
                pb.ImageStatusResponse.FromString,
            )
            answer = ask(pb.ImageStatusRequest(image=pb.ImageSpec(image=name)), timeout=READY_WITHIN)
        return answer.HasField("image")

    def _channel(self) -> grpc.Channel:
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.default_authority", "localhost")]
        return grpc.insecure_channel(f"unix:{self.root}/containerd.sock", options)

    def _until(self, done: Callable[[], bool], what: str) -> None:
        # CRI comes up after the socket, and learns of imported images, by events that nobody else can see.
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                if done():
                    return
                problem = "not yet"
            except grpc.RpcError as error:
                problem = str(error)
            if time.monotonic() > deadline:
                raise RuntimeTrouble(f"waited {READY_WITHIN:g} s for {what}: {problem}\n{self.log_tail()}")
            time.sleep(0.02)


def _spawn(*command: str, new_session: bool = False, path: str | None = None) -> subprocess.Popen[str]:
    environment = os.environ | {"PATH": path} if path else None
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=new_session,
    )


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def _only_child(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def _has_capability(number: int) -> bool:
    status = Path("/proc/self/status").read_text()
    (effective,) = [line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")]
    return bool(int(effective, 16) >> number & 1)
