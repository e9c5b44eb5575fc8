"""Messages against bytes encoded by hand: a tag is (field number << 3 | wire type), a string has a length."""

import pytest
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import BoolValue

from kubenode.clients.stubs import cri_pb2 as cri
from kubenode.clients.stubs import csi_pb2 as csi
from kubenode.clients.stubs import pluginregistration_pb2 as registration

RUN_SANDBOX = cri.RunPodSandboxRequest(
    config=cri.PodSandboxConfig(
        metadata=cri.PodSandboxMetadata(name="web", uid="u1", namespace="ns", attempt=2),
        hostname="web",
        labels={"app": "a"},
        linux=cri.LinuxPodSandboxConfig(
            security_context=cri.LinuxSandboxSecurityContext(
                namespace_options=cri.NamespaceOption(network=cri.NODE, pid=cri.CONTAINER),
                run_as_user=cri.Int64Value(value=0),
                supplemental_groups=[1, 300],
            )
        ),
    ),
    runtime_handler="kata",
)
RUN_SANDBOX_BYTES = (
    "0a 31"  # config
    "  0a 0f  0a 03 776562  12 02 7531  1a 02 6e73  20 02"  # metadata: name, uid, namespace, attempt
    "  12 03 776562"  # hostname
    "  32 08  0a 03 617070  12 01 61"  # labels: an entry's key and value
    "  42 0f  12 0d"  # linux, its security_context
    "    0a 04  08 02  10 01"  # namespace_options: network, pid
    "    1a 00"  # run_as_user, there although it is 0
    "    2a 03  01  ac02"  # supplemental_groups, packed
    "12 04 6b617461"  # runtime_handler
)

CREATE_CONTAINER = cri.ContainerConfig(
    image=cri.ImageSpec(image="i", user_specified_image="u"),
    envs=[cri.KeyValue(key="K", value=b"\xff")],
    tty=True,
    CDI_devices=[cri.CDIDevice(name="d")],
    stop_signal=cri.SIGNAL_SIGTERM,
)
CREATE_CONTAINER_BYTES = (
    "12 07  0a 01 69  9201 01 75"  # image: its name, and field 18
    "32 06  0a 01 4b  12 01 ff"  # envs: key, value
    "70 01"  # tty
    "8a01 03  0a 01 64"  # CDI_devices, field 17
    "9001 17"  # stop_signal, field 18
)

PUBLISH = csi.NodePublishVolumeRequest(
    volume_id="v",
    target_path="/t",
    volume_capability=csi.VolumeCapability(
        mount=csi.VolumeCapability.MountVolume(fs_type="ext4"),
        access_mode=csi.VolumeCapability.AccessMode(mode=csi.VolumeCapability.AccessMode.SINGLE_NODE_MULTI_WRITER),
    ),
    readonly=True,
)
PUBLISH_BYTES = (
    "0a 01 76"  # volume_id
    "22 02 2f74"  # target_path
    "2a 0c  12 06  0a 04 65787434  1a 02  08 07"  # volume_capability: mount, access_mode
    "30 01"  # readonly
)

PLUGIN = registration.PluginInfo(type="CSIPlugin", name="d", supported_versions=["1.0.0"])
PLUGIN_BYTES = "0a 09 435349506c7567696e  12 01 64  22 05 312e302e30"

CASES = {
    "run a sandbox": (RUN_SANDBOX, RUN_SANDBOX_BYTES),
    "create a container": (CREATE_CONTAINER, CREATE_CONTAINER_BYTES),
    "an exit code below zero": (cri.ContainerStatus(exit_code=-1), "38 ffffffffffffffffff01"),
    "a double": (cri.PsiData(Total=1, Avg10=0.5), "08 01  11 000000000000e03f"),
    "publish a volume": (PUBLISH, PUBLISH_BYTES),
    "a chosen but empty oneof": (csi.VolumeCapability(block=csi.VolumeCapability.BlockVolume()), "0a 00"),
    "not ready, which absent is not": (csi.ProbeResponse(ready=BoolValue(value=False)), "0a 00"),
    "a plugin": (PLUGIN, PLUGIN_BYTES),
}


@pytest.mark.parametrize(("message", "hexadecimal"), CASES.values(), ids=CASES.keys())
def test_message_is_these_bytes(message: Message, hexadecimal: str) -> None:
    encoded = bytes.fromhex(hexadecimal)
    assert message.SerializeToString(deterministic=True).hex() == encoded.hex()
    assert type(message).FromString(encoded) == message
