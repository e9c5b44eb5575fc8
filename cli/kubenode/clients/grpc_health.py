"""One question to gRPC's health API, over a connection of its own and without TLS, as Kubernetes' probes ask it."""

from __future__ import annotations

from grpc import StatusCode, aio

from kubenode import __version__
from kubenode.clients.errors import DeadlineExceeded, InvalidArgument
from kubenode.clients.rpc_errors import error_class
from kubenode.clients.stubs import health_pb2 as pb

SERVING = "SERVING"
CHECK = "/grpc.health.v1.Health/Check"
OPTIONS = (
    ("grpc.primary_user_agent", f"kube-probe/kubenode-{__version__}"),
    # By default all channels to one address share a connection: this one must be new.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)


async def grpc_health(host: str, port: int, service: str, seconds: float) -> str:
    """The state of a service (empty: of the server as a whole) as the API names it: SERVING, NOT_SERVING, UNKNOWN.

    Raises ClientError: InvalidArgument when there is nobody to ask, Unimplemented by servers without this API,
    DeadlineExceeded, Unavailable, and so on.
    """
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    facts = {"endpoint": address, "operation": "grpc.health.v1.Health/Check", "subject": service, "remedy": ""}
    if not host or not port:
        raise InvalidArgument(**facts, detail=f"the pod has not got {'a port there' if host else 'an address'}")
    async with aio.insecure_channel(address, OPTIONS) as channel:
        check = channel.unary_unary(CHECK, pb.HealthCheckRequest.SerializeToString, pb.HealthCheckResponse.FromString)
        try:
            answer = await check(pb.HealthCheckRequest(service=service), timeout=seconds)
        except aio.AioRpcError as error:
            code, detail = error.code(), error.details() or ""
            if code is StatusCode.DEADLINE_EXCEEDED:
                raise DeadlineExceeded(**facts, detail=f"no answer within {seconds:g} s") from None
            raise error_class(code, detail)(**facts, detail=f"{code.name}: {detail}") from None
    return str(pb.HealthCheckResponse.ServingStatus.Name(answer.status))
