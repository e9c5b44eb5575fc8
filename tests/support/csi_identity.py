"""Identity of the tests' CSI driver."""

from __future__ import annotations

from kubenode.clients.stubs import csi_pb2 as pb
from support.csi_settings import Settings

Type = pb.PluginCapability.Service.Type
Expansion = pb.PluginCapability.VolumeExpansion.Type


class Identity:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.asked = 0

    def get_plugin_info(self, request: pb.GetPluginInfoRequest) -> pb.GetPluginInfoResponse:
        return pb.GetPluginInfoResponse(name=self.settings.name, vendor_version="1.0.0", manifest={"kind": "directory"})

    def get_plugin_capabilities(self, request: pb.GetPluginCapabilitiesRequest) -> pb.GetPluginCapabilitiesResponse:
        answer, names = pb.GetPluginCapabilitiesResponse(), Type.keys()
        for name in sorted(self.settings.plugin):
            one = answer.capabilities.add()
            if name in names:
                one.service.type = Type.Value(name)
            else:
                one.volume_expansion.type = Expansion.Value(name)
        return answer

    def probe(self, request: pb.ProbeRequest) -> pb.ProbeResponse:
        self.asked += 1
        answer = pb.ProbeResponse()
        answer.ready.value = self.asked > self.settings.not_ready
        return answer
