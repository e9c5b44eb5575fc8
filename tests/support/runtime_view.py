"""What a runtime holds, seen from beside the agent: plain blocking CRI calls. Lists are in the order of ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar
from urllib.parse import quote

import grpc
from google.protobuf.message import Message

from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names

Answer = TypeVar("Answer", bound=Message)
SECONDS = 10.0


class RuntimeView:
    """`with RuntimeView("unix:///…") as view`. Raises grpc.RpcError; finds a restarted runtime again."""

    def __init__(self, endpoint: str) -> None:
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.default_authority", "localhost"),
            ("grpc.max_reconnect_backoff_ms", 200),
        ]
        self._channel = grpc.insecure_channel(f"unix:{quote(endpoint.removeprefix('unix://'))}", options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def sandboxes(self, labels: Mapping[str, str] | None = None) -> list[pb.PodSandbox]:
        request = pb.ListPodSandboxRequest(filter=pb.PodSandboxFilter(label_selector=labels))
        answer = self._call("ListPodSandbox", request, pb.ListPodSandboxResponse.FromString)
        return sorted(answer.items, key=lambda sandbox: sandbox.id)

    def containers(self, labels: Mapping[str, str] | None = None) -> list[pb.Container]:
        request = pb.ListContainersRequest(filter=pb.ContainerFilter(label_selector=labels))
        answer = self._call("ListContainers", request, pb.ListContainersResponse.FromString)
        return sorted(answer.containers, key=lambda container: container.id)

    def status(self, container_id: str) -> pb.ContainerStatus:
        request = pb.ContainerStatusRequest(container_id=container_id)
        return self._call("ContainerStatus", request, pb.ContainerStatusResponse.FromString).status

    def stop(self, container_id: str) -> None:
        """End it, as if it had ended by itself."""
        request = pb.StopContainerRequest(container_id=container_id, timeout=0)
        self._call("StopContainer", request, pb.StopContainerResponse.FromString)

    def run(self, container_id: str, script: str) -> list[str]:
        """The lines that a shell in the container says, on both outputs."""
        request = pb.ExecSyncRequest(container_id=container_id, cmd=["sh", "-c", f"exec 2>&1; {script}"], timeout=10)
        answer = self._call("ExecSync", request, pb.ExecSyncResponse.FromString)
        return answer.stdout.decode().splitlines()

    def pods(self) -> dict[str, tuple[list[pb.PodSandbox], list[pb.Container]]]:
        """All sandboxes and containers, by the name of their pod."""
        found: dict[str, tuple[list[pb.PodSandbox], list[pb.Container]]] = {}
        for sandbox in self.sandboxes():
            found.setdefault(sandbox.metadata.name, ([], []))[0].append(sandbox)
        for container in self.containers():
            found.setdefault(container.labels.get(names.POD_NAME, ""), ([], []))[1].append(container)
        return found

    def running(self) -> dict[str, str]:
        """The name of the pod of each running container, by the container's id."""
        return {
            container.id: container.labels.get(names.POD_NAME, "")
            for container in self.containers()
            if container.state == pb.CONTAINER_RUNNING
        }

    def _call(self, rpc: str, request: Message, parse: Callable[[bytes], Answer]) -> Answer:
        call: Any = self._channel.unary_unary(
            f"/runtime.v1.RuntimeService/{rpc}", lambda message: message.SerializeToString(), parse
        )
        answer: Answer = call(request, timeout=SECONDS, wait_for_ready=True)
        return answer
