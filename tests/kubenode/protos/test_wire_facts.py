"""The compiled descriptors say what the published APIs say: every fact is there, and nothing else is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, FileDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from kubenode.clients.stubs import containerd_images_pb2, cri_pb2, csi_pb2, health_pb2, pluginregistration_pb2

FACTS = Path(__file__).parent / "facts"
APIS = {
    "containerd_images": containerd_images_pb2.DESCRIPTOR,
    "cri": cri_pb2.DESCRIPTOR,
    "csi": csi_pb2.DESCRIPTOR,
    "health": health_pb2.DESCRIPTOR,
    "pluginregistration": pluginregistration_pb2.DESCRIPTOR,
}
SCALARS: dict[int, str] = {number: name[len("TYPE_") :].lower() for name, number in FieldDescriptorProto.Type.items()}


def published(name: str) -> list[str]:
    lines = (FACTS / f"{name}.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def compiled(file: FileDescriptor) -> Iterator[str]:
    """A descriptor in the words of the facts files."""
    yield f"package {file.package}"
    for service in file.services_by_name.values():
        yield from rpcs(service)
    for enum in file.enum_types_by_name.values():
        yield from values(enum)
    for message in file.message_types_by_name.values():
        yield from shape(message)


def rpcs(service: ServiceDescriptor) -> Iterator[str]:
    for method in service.methods:
        request = ("stream " if method.client_streaming else "") + local(method.input_type)
        response = ("stream " if method.server_streaming else "") + local(method.output_type)
        yield f"rpc {service.name}.{method.name}({request}) -> {response}"


def values(enum: EnumDescriptor) -> Iterator[str]:
    for value in enum.values:
        yield f"value {local(enum)}.{value.name} = {value.number}"


def shape(message: Descriptor) -> Iterator[str]:
    yield f"message {local(message)}"
    for field in message.fields:
        yield f"field {local(message)}.{field.name} = {field.number} {described(field)}"
    for enum in message.enum_types:
        yield from values(enum)
    for nested in message.nested_types:
        if not nested.GetOptions().map_entry:
            yield from shape(nested)


def described(field: FieldDescriptor) -> str:
    words = [kind(field)]
    if field.is_repeated and not map_entry(field):
        words.insert(0, "repeated")
    if field.containing_oneof:
        words.append(f"oneof {field.containing_oneof.name}")
    elif field.has_presence and not field.message_type:
        words.append("optional")
    if field.GetOptions().deprecated:
        words.append("deprecated")
    return " ".join(words)


def kind(field: FieldDescriptor) -> str:
    if entry := map_entry(field):
        return f"map<{kind(entry.fields_by_name['key'])}, {kind(entry.fields_by_name['value'])}>"
    named = field.message_type or field.enum_type
    return local(named) if named else SCALARS[field.type]


def map_entry(field: FieldDescriptor) -> Descriptor | None:
    message = field.message_type
    return message if message and message.GetOptions().map_entry else None


def local(item: Descriptor | EnumDescriptor) -> str:
    package = item.file.package
    return item.full_name if package == "google.protobuf" else item.full_name.removeprefix(f"{package}.")


@pytest.mark.parametrize("name", APIS)
def test_no_published_fact_is_missing(name: str) -> None:
    missing = set(published(name)) - set(compiled(APIS[name]))
    assert not missing, "\n".join(sorted(missing))


@pytest.mark.parametrize("name", APIS)
def test_nothing_is_compiled_that_is_not_published(name: str) -> None:
    extra = set(compiled(APIS[name])) - set(published(name))
    assert not extra, "\n".join(sorted(extra))


@pytest.mark.parametrize("name", APIS)
def test_no_fact_is_told_twice(name: str) -> None:
    facts = published(name)
    assert len(facts) == len(set(facts))


def test_what_must_not_be_logged_is_marked() -> None:
    def marked(file: FileDescriptor) -> set[str]:
        return {
            f"{message.name}.{field.name}"
            for message in file.message_types_by_name.values()
            for field in message.fields
            if field.GetOptions().debug_redact
        }

    secrets = {fact.split()[1] for fact in published("csi") if fact.startswith("field ") and ".secrets " in fact}
    assert secrets
    assert marked(APIS["csi"]) == secrets
    login = ("password", "auth", "identity_token", "registry_token")
    assert marked(APIS["cri"]) == {f"AuthConfig.{field}" for field in login}
