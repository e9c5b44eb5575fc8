"""The CRI client: every RPC of a container runtime as a typed method, with deadlines and errors of our own.

The class body is the list of what can be called. Requests and responses are the messages of `stubs.cri_pb2`.
"""

from __future__ import annotations

from google.protobuf.message import Message

from kubenode.clients.rpc import Client, Connection, OnCall, Query, Stream, Unary
from kubenode.clients.stubs import cri_pb2 as pb

RUNTIME = "runtime.v1.RuntimeService"
IMAGES = "runtime.v1.ImageService"

# Deadlines: (request, request_timeout) -> seconds, None for ever. request_timeout is the kubelet's
# runtimeRequestTimeout, 2 min by default, and means: as long as a change on a busy node may take.


def reading(_request: Message, request_timeout: float) -> float:
    """Answered from the runtime's memory. Slower than this is a hung runtime, which others wait to hear of."""
    return min(10.0, request_timeout)


def changing(_request: Message, request_timeout: float) -> float:
    return request_timeout


def sandbox_start(_request: Message, request_timeout: float) -> float:
    """Pulls the sandbox image when it is missing and waits for the network plugins: twice as long."""
    return 2 * request_timeout


def stop(request: pb.StopContainerRequest, request_timeout: float) -> float:
    """The runtime waits for the grace period (s) before it kills."""
    return request.timeout + request_timeout


def command(request: pb.ExecSyncRequest, request_timeout: float) -> float | None:
    """The command's own time-out (s) ends it; none set means that it may run for ever."""
    return request.timeout + request_timeout if request.timeout else None


def checkpoint(request: pb.CheckpointContainerRequest, request_timeout: float) -> float:
    """Writes the container's memory to disk, for as long as the caller allows (s)."""
    return request.timeout + request_timeout


def pull(_request: Message, _request_timeout: float) -> float:
    """As large as images are and as slow as networks are; the runtime gives up earlier on a pull without progress."""
    return 3600.0


def endless(_request: Message, _request_timeout: float) -> None:
    """A subscription."""


class CriClient(Client):
    """A container runtime. One event loop; `async with`, or `close()` at the end.

    endpoint: unix:///run/containerd/containerd.sock or /run/containerd/containerd.sock
    image_endpoint: where images are served, when elsewhere
    on_call: `(name, seconds, error or None)` after each call, e.g. ("RunPodSandbox", 0.081, None), for metrics
    request_timeout: seconds; the deadlines follow from it

    Each call takes its request message (optional where an empty one makes sense), `timeout=` seconds to override its
    deadline and `subject=` to name the object in errors. Raises InvalidArgument for an endpoint that cannot be one.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        image_endpoint: str | None = None,
        on_call: OnCall | None = None,
        request_timeout: float = 120.0,
    ) -> None:
        super().__init__(Connection(endpoint, on_call=on_call, request_timeout=request_timeout))
        self._images = self._connection
        if image_endpoint is not None and image_endpoint != endpoint:
            self._images = Connection(image_endpoint, on_call=on_call, request_timeout=request_timeout)

    def connection(self, service: str) -> Connection:
        return self._images if service == IMAGES else self._connection

    @property
    def endpoint(self) -> str:
        return self._connection.endpoint

    def describe(self, request: Message) -> str:
        match request:
            case pb.RunPodSandboxRequest():
                return f"{request.config.metadata.namespace}/{request.config.metadata.name}"
            case pb.CreateContainerRequest():
                return f"container {request.config.metadata.name}"
            case pb.PullImageRequest() | pb.RemoveImageRequest() | pb.ImageStatusRequest():
                return f"image {request.image.image}"
        for field, noun in (("container_id", "container"), ("pod_sandbox_id", "sandbox")):
            if field in request.DESCRIPTOR.fields_by_name:
                return f"{noun} {getattr(request, field)[:13]}"
        return ""

    def supports(self, rpc: str) -> bool:
        """False once the runtime has said that it lacks this RPC ("GetContainerEvents"): calling it fails at once."""
        return rpc not in self._connection.unimplemented | self._images.unimplemented

    async def close(self) -> None:
        await self._connection.close()
        await self._images.close()

    version = Query(RUNTIME, "Version", pb.VersionRequest, pb.VersionResponse, reading)
    status = Query(RUNTIME, "Status", pb.StatusRequest, pb.StatusResponse, reading)
    runtime_config = Query(
        RUNTIME, "RuntimeConfig", pb.RuntimeConfigRequest, pb.RuntimeConfigResponse, reading, optional=True
    )

    run_pod_sandbox = Unary(RUNTIME, "RunPodSandbox", pb.RunPodSandboxRequest, pb.RunPodSandboxResponse, sandbox_start)
    stop_pod_sandbox = Unary(RUNTIME, "StopPodSandbox", pb.StopPodSandboxRequest, pb.StopPodSandboxResponse, changing)
    remove_pod_sandbox = Unary(
        RUNTIME, "RemovePodSandbox", pb.RemovePodSandboxRequest, pb.RemovePodSandboxResponse, changing
    )
    pod_sandbox_status = Unary(
        RUNTIME, "PodSandboxStatus", pb.PodSandboxStatusRequest, pb.PodSandboxStatusResponse, reading
    )
    list_pod_sandbox = Query(RUNTIME, "ListPodSandbox", pb.ListPodSandboxRequest, pb.ListPodSandboxResponse, reading)
    stream_pod_sandboxes = Stream(
        RUNTIME,
        "StreamPodSandboxes",
        pb.StreamPodSandboxesRequest,
        pb.StreamPodSandboxesResponse,
        reading,
        optional=True,
    )
    update_pod_sandbox_resources = Unary(
        RUNTIME,
        "UpdatePodSandboxResources",
        pb.UpdatePodSandboxResourcesRequest,
        pb.UpdatePodSandboxResourcesResponse,
        changing,
        optional=True,
    )

    create_container = Unary(
        RUNTIME, "CreateContainer", pb.CreateContainerRequest, pb.CreateContainerResponse, changing
    )
    start_container = Unary(RUNTIME, "StartContainer", pb.StartContainerRequest, pb.StartContainerResponse, changing)
    stop_container = Unary(RUNTIME, "StopContainer", pb.StopContainerRequest, pb.StopContainerResponse, stop)
    remove_container = Unary(
        RUNTIME, "RemoveContainer", pb.RemoveContainerRequest, pb.RemoveContainerResponse, changing
    )
    container_status = Unary(RUNTIME, "ContainerStatus", pb.ContainerStatusRequest, pb.ContainerStatusResponse, reading)
    list_containers = Query(RUNTIME, "ListContainers", pb.ListContainersRequest, pb.ListContainersResponse, reading)
    stream_containers = Stream(
        RUNTIME, "StreamContainers", pb.StreamContainersRequest, pb.StreamContainersResponse, reading, optional=True
    )
    update_container_resources = Unary(
        RUNTIME,
        "UpdateContainerResources",
        pb.UpdateContainerResourcesRequest,
        pb.UpdateContainerResourcesResponse,
        changing,
    )
    reopen_container_log = Unary(
        RUNTIME, "ReopenContainerLog", pb.ReopenContainerLogRequest, pb.ReopenContainerLogResponse, changing
    )

    exec_sync = Unary(RUNTIME, "ExecSync", pb.ExecSyncRequest, pb.ExecSyncResponse, command)
    exec = Unary(RUNTIME, "Exec", pb.ExecRequest, pb.ExecResponse, reading)
    attach = Unary(RUNTIME, "Attach", pb.AttachRequest, pb.AttachResponse, reading)
    port_forward = Unary(RUNTIME, "PortForward", pb.PortForwardRequest, pb.PortForwardResponse, reading)

    container_stats = Unary(RUNTIME, "ContainerStats", pb.ContainerStatsRequest, pb.ContainerStatsResponse, reading)
    list_container_stats = Query(
        RUNTIME, "ListContainerStats", pb.ListContainerStatsRequest, pb.ListContainerStatsResponse, reading
    )
    stream_container_stats = Stream(
        RUNTIME,
        "StreamContainerStats",
        pb.StreamContainerStatsRequest,
        pb.StreamContainerStatsResponse,
        reading,
        optional=True,
    )
    pod_sandbox_stats = Unary(
        RUNTIME, "PodSandboxStats", pb.PodSandboxStatsRequest, pb.PodSandboxStatsResponse, reading, optional=True
    )
    list_pod_sandbox_stats = Query(
        RUNTIME,
        "ListPodSandboxStats",
        pb.ListPodSandboxStatsRequest,
        pb.ListPodSandboxStatsResponse,
        reading,
        optional=True,
    )
    stream_pod_sandbox_stats = Stream(
        RUNTIME,
        "StreamPodSandboxStats",
        pb.StreamPodSandboxStatsRequest,
        pb.StreamPodSandboxStatsResponse,
        reading,
        optional=True,
    )
    list_metric_descriptors = Query(
        RUNTIME,
        "ListMetricDescriptors",
        pb.ListMetricDescriptorsRequest,
        pb.ListMetricDescriptorsResponse,
        reading,
        optional=True,
    )
    list_pod_sandbox_metrics = Query(
        RUNTIME,
        "ListPodSandboxMetrics",
        pb.ListPodSandboxMetricsRequest,
        pb.ListPodSandboxMetricsResponse,
        reading,
        optional=True,
    )
    stream_pod_sandbox_metrics = Stream(
        RUNTIME,
        "StreamPodSandboxMetrics",
        pb.StreamPodSandboxMetricsRequest,
        pb.StreamPodSandboxMetricsResponse,
        reading,
        optional=True,
    )
    get_container_events = Stream(
        RUNTIME, "GetContainerEvents", pb.GetEventsRequest, pb.ContainerEventResponse, endless, optional=True
    )

    update_runtime_config = Unary(
        RUNTIME, "UpdateRuntimeConfig", pb.UpdateRuntimeConfigRequest, pb.UpdateRuntimeConfigResponse, changing
    )
    checkpoint_container = Unary(
        RUNTIME,
        "CheckpointContainer",
        pb.CheckpointContainerRequest,
        pb.CheckpointContainerResponse,
        checkpoint,
        optional=True,
    )
    checkpoint_pod = Unary(
        RUNTIME, "CheckpointPod", pb.CheckpointPodRequest, pb.CheckpointPodResponse, changing, optional=True
    )
    restore_pod = Unary(RUNTIME, "RestorePod", pb.RestorePodRequest, pb.RestorePodResponse, changing, optional=True)

    list_images = Query(IMAGES, "ListImages", pb.ListImagesRequest, pb.ListImagesResponse, reading)
    stream_images = Stream(
        IMAGES, "StreamImages", pb.StreamImagesRequest, pb.StreamImagesResponse, reading, optional=True
    )
    image_status = Unary(IMAGES, "ImageStatus", pb.ImageStatusRequest, pb.ImageStatusResponse, reading)
    pull_image = Unary(IMAGES, "PullImage", pb.PullImageRequest, pb.PullImageResponse, pull)
    remove_image = Unary(IMAGES, "RemoveImage", pb.RemoveImageRequest, pb.RemoveImageResponse, changing)
    image_fs_info = Query(IMAGES, "ImageFsInfo", pb.ImageFsInfoRequest, pb.ImageFsInfoResponse, reading)
