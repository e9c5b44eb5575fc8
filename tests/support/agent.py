"""A real agent process on a runtime of the tests, and the command line beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from support.unix_http import get

KUBENODE = [sys.executable, "-m", "kubenode"]
# Killed tests leave no agent behind.
DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL", "--"]
ENTER = ["nsenter", "--mount", "--net", "--pid"]
LAUNCH = [sys.executable, "-I", str(Path(__file__).parent / "launch.py")]
WITHIN = 30.0  # seconds
POLL = 0.02  # seconds
NODE = "testnode"

Pods = dict[str, Any]
"""What `kubenode pods -o json` tells of each pod, by the name in its manifest."""


class AgentProcess:
    """Paths below `folder`, pods on the runtime at `endpoint`. The agent may be started and ended many times."""

    def __init__(
        self, folder: Path, endpoint: str, cgroup_root: str, beside: int = 0, node_ip: str = "", **kubelet: object
    ) -> None:
        """`beside`: a process of the runtime, if agent and commands share its network, mounts and processes.

        Only there can an agent reach pods and mount for them.
        """
        self._beside = beside
        self._inside = [*ENTER, f"--target={beside}", "--"] if beside else []
        self._pid = 0
        self.manifests = folder / "manifests"
        self.manifests.mkdir(parents=True)
        self.objects = folder / "objects"
        self.objects.mkdir(mode=0o700)
        self.root = folder / "root"
        self.logs = folder / "logs"
        self.links = folder / "containers"
        self.config = folder / "config.yaml"
        self.run_directory = folder / "run"
        self.output = folder / "agent.log"
        self.cgroup_root = cgroup_root
        self._process: subprocess.Popen[bytes] | None = None
        self._documents: list[dict[str, object]] = [
            {
                "apiVersion": "kubelet.config.k8s.io/v1beta1",
                "kind": "KubeletConfiguration",
                "staticPodPath": str(self.manifests),
                "containerRuntimeEndpoint": endpoint,
                "cgroupRoot": cgroup_root,
                "podLogsDir": str(self.logs),
                "healthzPort": 0,
                "fileCheckFrequency": "1s",
                **kubelet,
            },
            {
                "apiVersion": "kubenode.io/v1alpha1",
                "kind": "KubenodeConfiguration",
                "nodeName": NODE,
                "rootDirectory": str(self.root),
                "runDirectory": str(self.run_directory),
                "containerLogsDirectory": str(self.links),
                "localObjectsPath": str(self.objects),
                "nodeIP": node_ip,
            },
        ]
        self.configure()

    def configure(self, **kubelet: object) -> None:
        """Write the configuration, with these fields changed."""
        self._documents[0].update(kubelet)
        self.config.write_text(yaml.safe_dump_all(self._documents))

    def configure_node(self, **kubenode: object) -> None:
        """The same for the fields of the node's own configuration."""
        self._documents[1].update(kubenode)
        self.configure()

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, environment: Mapping[str, str] | None = None, within: Sequence[str] = ()) -> None:
        """Start it and return when its admin socket answers."""
        self.spawn(environment, within)
        self.until(self._answers, "the agent to answer")

    def spawn(self, environment: Mapping[str, str] | None = None, within: Sequence[str] = ()) -> None:
        """Start it and return at once; with these variables besides ours, by a command that takes its own as last."""
        command = [*within, *KUBENODE, "agent", "--config", str(self.config)]
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [*DIES_WITH_US, *([*LAUNCH, str(self._beside)] if self._beside else []), *command],
                stdout=subprocess.PIPE if self._beside else output,
                stderr=output,
                env=os.environ | dict(environment or {}),
            )
        self._pid = self._process.pid
        if self._process.stdout is not None:
            with self._process.stdout as told:
                self._pid = int(told.readline())

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self._process is not None
        self.signal(signal.SIGTERM)
        return self._process.wait(WITHIN)

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self._process is not None and self.running:
            self.signal(signal.SIGKILL)
            self._process.wait(WITHIN)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def put(self, name: str, manifest: object) -> Path:
        """Put a manifest in its place in one move; text as it is, all else as YAML."""
        path = self.manifests / name
        temporary = path.with_name(f".{name}")
        temporary.write_text(manifest if isinstance(manifest, str) else yaml.safe_dump(manifest))
        temporary.replace(path)
        return path

    def put_pods(self, *pods: dict[str, Any]) -> None:
        """Put each pod's manifest into the file `<name>.yaml`."""
        for manifest in pods:
            self.put(f"{manifest['metadata']['name']}.yaml", manifest)

    def put_objects(self, *manifests: dict[str, Any]) -> Path:
        """Put each ConfigMap's or Secret's manifest into the file `<kind>-<name>.yaml`; the last one's path."""
        path = self.objects
        for manifest in manifests:
            path = self.objects / f"{manifest['kind'].lower()}-{manifest['metadata']['name']}.yaml"
            temporary = path.with_name(f".{path.name}")
            temporary.touch(mode=0o600)
            temporary.write_text(yaml.safe_dump(manifest))
            temporary.replace(path)
        return path

    def remove(self, *names: str) -> None:
        """Remove the manifests of the pods of these names."""
        for name in names:
            (self.manifests / f"{name}.yaml").unlink()

    def clear(self) -> None:
        """Remove all manifests, and return when the node is empty. Starts the agent for it if need be."""
        for path in self.manifests.iterdir():
            path.unlink()
        if not self.running:
            self.start()
        self.until(self.empty, "no pods")

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """A kubenode command on this node: exit code, output, errors."""
        at = arguments.index("--") if "--" in arguments else len(arguments)
        done = subprocess.run(
            [*self._inside, *KUBENODE, *arguments[:at], "--config", str(self.config), *arguments[at:]],
            check=False,
            capture_output=True,
            text=True,
            timeout=WITHIN * 4,
        )
        return done.returncode, done.stdout, done.stderr

    def ask(self, *arguments: str) -> Any:
        """The JSON answer of a kubenode command."""
        code, output, errors = self.run(*arguments, "-o", "json")
        assert output, f"kubenode {' '.join(arguments)} exited with {code}: {errors}"
        return json.loads(output)

    def mounts(self) -> dict[str, str]:
        """The type of each mount that the agent and the runtime see, by its place."""
        done = subprocess.run([*self._inside, "cat", "/proc/mounts"], check=True, capture_output=True, text=True)
        return {line.split()[1]: line.split()[2] for line in done.stdout.splitlines()}

    def http_get(self, url: str) -> str:
        """The body, asked for where the pods can be reached. Raises ConnectionError."""
        wget = [*self._inside, "busybox", "wget", "-q", "-O", "-", url]
        try:
            return subprocess.run(wget, check=True, capture_output=True, text=True, timeout=5).stdout
        except subprocess.SubprocessError as error:
            raise ConnectionError(f"GET {url}: {error}") from None

    def pods(self) -> Pods:
        """The pods that the agent tells of. Raises OSError while it does not answer."""
        return {pod["name"].removesuffix(f"-{NODE}"): pod for pod in self._admin("/v1/pods")["pods"]}

    def empty(self) -> bool:
        """Whether the agent knows all pods, and there is none. Raises OSError while it does not answer."""
        told = self._admin("/v1/pods")
        return bool(told["complete"]) and not told["pods"]

    def pod(self, name: str) -> dict[str, Any]:
        """What the agent tells of the pod; empty if nothing."""
        found: dict[str, Any] = self.pods().get(name, {})
        return found

    def state(self) -> dict[str, Any]:
        """What the agent tells of itself. Raises OSError while it does not answer."""
        state: dict[str, Any] = self._admin("/v1/state")
        return state

    def until_running(self, *names: str, within: float = WITHIN) -> Pods:
        """Return the pods when those of the manifests' names all run and nothing is left to do for them."""

        def running() -> bool:
            pods = self.pods()
            return all(_runs(pods.get(name, {})) for name in names)

        self.until(running, f"{names} to run", within)
        return self.pods()

    def until_pod(self, name: str, done: Callable[[dict[str, Any]], object], within: float = WITHIN) -> dict[str, Any]:
        """Return what is told of the pod as soon as it is as asked."""
        self.until(lambda: bool(done(self.pod(name))), f"pod {name}", within)
        return self.pod(name)

    def until(self, done: Callable[[], bool], what: str, within: float = WITHIN) -> None:
        """Return when it is so; while the agent does not answer it is not."""
        deadline = time.monotonic() + within
        while True:
            with suppress(OSError):
                if done():
                    return
            if self._process is not None and not self.running:
                raise AssertionError(f"the agent ended with {self._process.returncode}:\n{self.output.read_text()}")
            if time.monotonic() > deadline:
                told = self.run("pods", "-o", "json")
                raise AssertionError(f"waited {within:g} s for {what}:\n{told}\n{self.output.read_text()}")
            time.sleep(POLL)

    def log(self, pod: Mapping[str, Any], container: str = "app", attempt: int = 0) -> Path:
        """Where a container of the pod logs."""
        return self.logs / f"{pod['namespace']}_{pod['name']}_{pod['uid']}" / container / f"{attempt}.log"

    def said(self, pod: Mapping[str, Any], container: str = "app", attempt: int = 0) -> list[str]:
        """The lines that it logged."""
        path = self.log(pod, container, attempt)
        return [line.split(" ", 3)[3] for line in path.read_text().splitlines()] if path.exists() else []

    def _admin(self, path: str) -> Any:
        return json.loads(get(self.run_directory / "agent.sock", path))

    def _answers(self) -> bool:
        return bool(self.state())


def _runs(pod: Mapping[str, Any]) -> bool:
    return pod.get("phase") == "Running" and not pod["reason"] and pod["settled"]


@contextmanager
def agent_process(
    folder: Path, endpoint: str, cgroup_root: str, beside: int = 0, node_ip: str = "", **kubelet: object
) -> Iterator[AgentProcess]:
    """An agent, running; killed at the end, with its pods left for the runtime's own end."""
    agent = AgentProcess(folder, endpoint, cgroup_root, beside, node_ip, **kubelet)
    try:
        agent.start()
        yield agent
    finally:
        agent.kill()


FOREVER = "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"


def container(name: str = "app", command: str = FOREVER, **fields: object) -> dict[str, Any]:
    """A busybox container that runs a shell command."""
    return {
        "name": name,
        "image": "kubenode.test/busybox:1",
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", command],
        **fields,
    }


def pod(name: str, command: str = FOREVER, **spec: object) -> dict[str, Any]:
    """A pod of one such container, unless `containers` are given."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [container(command=command)], "terminationGracePeriodSeconds": 2, **spec},
    }
