"""The client stubs call the methods under the paths that runtimes and plugins serve them at."""

import asyncio
from pathlib import Path

import grpc

from kubenode.clients.stubs import (
    cri_pb2,
    cri_pb2_grpc,
    csi_pb2,
    csi_pb2_grpc,
    health_pb2,
    health_pb2_grpc,
    pluginregistration_pb2_grpc,
)
from kubenode.clients.stubs.pluginregistration_pb2 import InfoRequest


class Recorder(grpc.GenericRpcHandler):
    """Serves nothing, and keeps what was asked for."""

    def __init__(self) -> None:
        self.paths: set[str] = set()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> None:
        self.paths.add(handler_call_details.method)


async def one_call_to_each_service(socket: str) -> None:
    async with grpc.aio.insecure_channel(socket) as channel:
        calls = (
            cri_pb2_grpc.RuntimeServiceStub(channel).Version(cri_pb2.VersionRequest()),
            cri_pb2_grpc.ImageServiceStub(channel).ListImages(cri_pb2.ListImagesRequest()),
            csi_pb2_grpc.IdentityStub(channel).Probe(csi_pb2.ProbeRequest()),
            csi_pb2_grpc.NodeStub(channel).NodeGetInfo(csi_pb2.NodeGetInfoRequest()),
            csi_pb2_grpc.ControllerStub(channel).ListVolumes(csi_pb2.ListVolumesRequest()),
            pluginregistration_pb2_grpc.RegistrationStub(channel).GetInfo(InfoRequest()),
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest()),
        )
        for call in calls:
            assert await call.code() is grpc.StatusCode.UNIMPLEMENTED


async def paths_asked_for(socket: str) -> set[str]:
    recorder = Recorder()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((recorder,))
    server.add_insecure_port(socket)
    await server.start()
    try:
        await one_call_to_each_service(socket)
    finally:
        await server.stop(grace=None)
    return recorder.paths


def test_methods_are_called_by_their_published_paths(tmp_path: Path) -> None:
    assert asyncio.run(paths_asked_for(f"unix:{tmp_path}/sock")) == {
        "/runtime.v1.RuntimeService/Version",
        "/runtime.v1.ImageService/ListImages",
        "/csi.v1.Identity/Probe",
        "/csi.v1.Node/NodeGetInfo",
        "/csi.v1.Controller/ListVolumes",
        "/pluginregistration.Registration/GetInfo",
        "/grpc.health.v1.Health/Check",
    }
