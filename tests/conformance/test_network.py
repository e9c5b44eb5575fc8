"""Pods on a network: real runtimes only, as the fake has none."""

import asyncio

import pytest

from conformance.conftest import REAL, Runtime
from kubenode.clients.stubs import cri_pb2 as pb
from support.containerd import RealRuntime
from support.pods import Pods

SERVER = ("httpd", "-f", "-p", "8080", "-h", "/www")
GREETING = "hello from busybox\n"


@pytest.fixture(params=REAL)
def runtime(request: pytest.FixtureRequest) -> Runtime:
    return Runtime(real=request.getfixturevalue(request.param))


@pytest.fixture
def real(runtime: Runtime) -> RealRuntime:
    return runtime.real_or_fail


async def eventually(real: RealRuntime, url: str) -> str:
    """The body at the URL: a server that has been started needs a moment to listen."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await real.http_get(url)
            except ConnectionError:
                await asyncio.sleep(0.05)


async def test_a_pod_is_reached_at_its_address(real: RealRuntime, pods: Pods) -> None:
    sandbox_id = await pods.run()
    await pods.start(sandbox_id, *SERVER)
    status = await pods.sandbox_status(sandbox_id)
    assert await eventually(real, f"http://{status.network.ip}:8080/") == GREETING


async def test_a_host_port_leads_to_its_pod(real: RealRuntime, pods: Pods) -> None:
    port = pb.PortMapping(protocol=pb.TCP, container_port=8080, host_port=18080)
    await pods.start(await pods.run(pods.config(ports=[port])), *SERVER)
    assert await eventually(real, "http://127.0.0.1:18080/") == GREETING


async def test_a_host_port_is_closed_when_its_pod_is_gone(real: RealRuntime, pods: Pods) -> None:
    port = pb.PortMapping(protocol=pb.TCP, container_port=8080, host_port=18081)
    sandbox_id = await pods.run(pods.config(ports=[port]))
    await pods.start(sandbox_id, *SERVER)
    await pods.cri.remove_pod_sandbox(pb.RemovePodSandboxRequest(pod_sandbox_id=sandbox_id))
    with pytest.raises(ConnectionError):
        await real.http_get("http://127.0.0.1:18081/")


async def test_a_pod_in_the_nodes_network_listens_there(real: RealRuntime, pods: Pods) -> None:
    await pods.start(await pods.run(pods.config(host_network=True)), *SERVER)
    assert await eventually(real, "http://127.0.0.1:8080/") == GREETING
