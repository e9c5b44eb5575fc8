"""A real agent process on a runtime of the tests, and the command line beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

KUBENODE = [sys.executable, "-m", "kubenode"]
WITHIN = 30.0  # seconds


class AgentProcess:
    """Paths below `folder`, pods on the runtime at `endpoint`. The agent may be started and ended many times."""

    def __init__(self, folder: Path, endpoint: str, cgroup_root: str, **kubelet: object) -> None:
        self.manifests = folder / "manifests"
        self.manifests.mkdir(parents=True)
        self.logs = folder / "logs"
        self.config = folder / "config.yaml"
        self.run_directory = folder / "run"
        self.output = folder / "agent.log"
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
                "nodeName": "testnode",
                "rootDirectory": str(folder / "root"),
                "runDirectory": str(self.run_directory),
                "containerLogsDirectory": str(folder / "containers"),
            },
        ]
        self.configure()

    def configure(self, **kubelet: object) -> None:
        """Write the configuration, with these fields changed."""
        self._documents[0].update(kubelet)
        self.config.write_text(yaml.safe_dump_all(self._documents))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and return when its admin socket answers."""
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [*KUBENODE, "agent", "--config", str(self.config)], stdout=output, stderr=output
            )
        self.until(self._answers, "the agent to answer")

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(WITHIN)

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
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

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """A kubenode command on this node: exit code, output, errors."""
        done = subprocess.run(
            [*KUBENODE, *arguments, "--config", str(self.config)], capture_output=True, text=True, timeout=WITHIN * 4
        )
        return done.returncode, done.stdout, done.stderr

    def ask(self, *arguments: str) -> Any:
        """The JSON answer of a kubenode command."""
        code, output, errors = self.run(*arguments, "-o", "json")
        assert output, f"kubenode {' '.join(arguments)} exited with {code}: {errors}"
        return json.loads(output)

    def pods(self) -> dict[str, Any]:
        """The pods that `kubenode pods` tells of, by name."""
        return {pod["name"]: pod for pod in self.ask("pods")["pods"]}

    def until_running(self, *names: str, within: float = WITHIN) -> dict[str, Any]:
        """Return the pods when those of the manifests' names all run and nothing is left to do for them."""

        def running() -> bool:
            pods = self.pods()
            return all(
                pods.get(f"{name}-testnode", {}).get("phase") == "Running"
                and not pods[f"{name}-testnode"].get("reason")
                and pods[f"{name}-testnode"].get("settled")
                for name in names
            )

        self.until(running, f"{names} to run", within)
        return self.pods()

    def until(self, done: Callable[[], bool], what: str, within: float = WITHIN) -> None:
        """Return when it is so. Commands are asked again and again: they are what a user has."""
        deadline = time.monotonic() + within
        while not done():
            if self._process is not None and self._process.poll() is not None:
                raise AssertionError(f"the agent ended with {self._process.returncode}:\n{self.output.read_text()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {within:g} s for {what}:\n{self.ask('pods')}\n{self.output.read_text()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        code, output, _ = self.run("version", "-o", "json")
        return code == 0 and bool(json.loads(output)["agent"])


@contextmanager
def agent_process(folder: Path, endpoint: str, cgroup_root: str, **kubelet: object) -> Iterator[AgentProcess]:
    """An agent, running; killed at the end, with its pods left for the runtime's own end."""
    agent = AgentProcess(folder, endpoint, cgroup_root, **kubelet)
    try:
        agent.start()
        yield agent
    finally:
        agent.kill()


def pod(
    name: str, command: str = "trap 'exit 0' TERM; while :; do sleep 1 & wait; done", **spec: object
) -> dict[str, Any]:
    """A pod of one busybox container that runs a shell command."""
    container = {
        "name": "app",
        "image": "kubenode.test/busybox:1",
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", command],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 2, **spec},
    }
