"""Documents of any kind: nulls, modes, what was meant, and that no error tells a secret."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kubenode.model.objects import Secret
from kubenode.model.pod import Pod
from kubenode.sources.conversion import MAX_REFUSALS, convert, type_refusals
from kubenode.sources.documents import RefusedError, read_documents
from kubenode.sources.manifest import read_pod

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: app
      image: r.test/app:1
"""


def _only(text: str) -> Any:
    (document,) = read_documents(text.encode())
    return document


def test_every_document_of_a_file() -> None:
    found = list(read_documents(b"a: 1\n---\n---\n# nothing\n---\nb: [2]\n"))
    assert [(document.value, document.path) for document in found] == [({"a": 1}, "$"), ({"b": [2]}, "$")]


def test_nothing_is_the_same_as_absent() -> None:
    nulls = POD.replace("name: web", "name: web\n  labels: null\n  creationTimestamp: ~\n  namespace:")
    nulls += "      command: null\n      lifecycle:\n      resources: {limits: null}\n  volumes: ~\nstatus: null\n"
    assert read_pod(nulls.encode()) == read_pod(POD.encode())


def test_in_maps_of_text_nothing_is_an_empty_text() -> None:
    assert _only("metadata: {labels: {a: null, b: c}}\nstringData: {x: }").value == {
        "metadata": {"labels": {"a": "", "b": "c"}},
        "stringData": {"x": ""},
    }


def test_nothing_in_a_list_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"\$\.spec\.containers\[0\]\.args\[1\]: expected str, got null"):
        read_pod((POD + "      args: [a, null]\n").encode())


@pytest.mark.parametrize(("written", "mode"), [("0644", 0o644), ("420", 420), ("0x1a4", 420), ("0b110", 6), ("0", 0)])
def test_modes_are_numbers_as_yaml_1_1_has_them(written: str, mode: int) -> None:
    text = f"{POD}  volumes:\n    - name: v\n      secret: {{secretName: s, defaultMode: {written}}}\n"
    source = read_pod(text.encode()).spec.volumes[0].secret
    assert source is not None
    assert source.default_mode == mode


@pytest.mark.parametrize("written", ["0o644", "'0644'", "644", "0888", "1e3", "420.0"])
def test_what_is_no_mode_is_refused(written: str) -> None:
    """0o644 is text to YAML 1.1 and would be octal to others: it must not be taken for anything."""
    text = f"{POD}  volumes:\n    - name: v\n      secret: {{secretName: s, defaultMode: {written}}}\n"
    with pytest.raises(RefusedError, match="defaultMode"):
        assert read_pod(text.encode()).spec.volumes[0].secret is None


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ("      livenessProbe: {httpget: {port: 1}}", "livenessProbe.httpget: no such field; did you mean httpGet?"),
        ("      livenessProbe: {httpGet: {port: 1, Path: /}}", "httpGet.Path: no such field; did you mean path?"),
        ("      volumeMounts: [{name: v, mountpath: /}]", "[0].mountpath: no such field; did you mean mountPath?"),
        ("      securityContext: {runAsuser: 1}", "runAsuser: no such field; did you mean runAsUser?"),
        ("  volumes: [{name: v, hostpath: {path: /}}]", "[0].hostpath: no such field; did you mean hostPath?"),
        ("  volumes: [{name: v, emptyDir: {sizelimit: 1}}]", "sizelimit: no such field; did you mean sizeLimit?"),
        ("  volumes: [{name: v, rbd: {}}]", "rbd: a static pod cannot have it: mount it on the node"),
        ("  volumes: [{name: v, gitRepo: {}}]", "gitRepo: a static pod cannot have it: clone it"),
        ("  dnsConfig: {nameserver: [x]}", "nameserver: no such field; did you mean nameservers?"),
    ],
)
def test_what_was_meant_is_known_everywhere(added: str, told: str) -> None:
    with pytest.raises(RefusedError) as raised:
        read_pod(f"{POD}{added}\n".encode())
    assert told in raised.value.reason
    assert raised.value.line == 9


def test_all_that_does_not_fit_is_found_in_one_reading() -> None:
    text = POD.replace("image:", "imagee:") + "      tty: 3\n  hostname: [a]\n  x: 1\n"
    found = [(refusal.path, refusal.line) for refusal in type_refusals(_only(text), Pod)]
    assert found == [
        ("$.spec.containers[0].imagee", 8),
        ("$.spec.containers[0].tty", 9),
        ("$.spec.containers[0]", 7),
        ("$.spec.hostname", 10),
        ("$.spec.x", 11),
    ]


def test_a_thousand_wrong_fields_are_told_by_some() -> None:
    text = POD + "".join(f"      x{n}: 1\n" for n in range(1000))
    assert len(list(type_refusals(_only(text), Pod))) == MAX_REFUSALS


def test_a_key_with_dots_has_a_line() -> None:
    text = POD.replace("name: web", "name: web\n  labels:\n    ok: a\n    example.com/x: [1]")
    with pytest.raises(RefusedError) as raised:
        read_pod(text.encode())
    assert (raised.value.path, raised.value.line) == ("$.metadata.labels['example.com/x']", 7)


HIDDEN = "hunter2hunter2"
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  password: {HIDDEN}\n"
BASE64 = base64.b64encode(HIDDEN.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        SECRET.replace(f" {HIDDEN}", f" !{HIDDEN}"),
        SECRET.replace(f" {HIDDEN}", f" !!{HIDDEN}"),
        SECRET.replace(f" {HIDDEN}", f" !!int {HIDDEN}"),
        SECRET.replace(f" {HIDDEN}", f" !!bool {HIDDEN}"),
        SECRET.replace(f" {HIDDEN}", f" !!float {HIDDEN}"),
        SECRET.replace(f" {HIDDEN}", f" *{HIDDEN}"),
        SECRET.replace(f" {HIDDEN}", f" '{HIDDEN}"),
        SECRET.replace(f" {HIDDEN}", f' "{HIDDEN}\\q"'),
        SECRET.replace(f" {HIDDEN}", f" {{{HIDDEN}"),
        SECRET.replace(f" {HIDDEN}", f" {HIDDEN}: {HIDDEN}"),
        SECRET.replace(f" {HIDDEN}", f" @{HIDDEN}"),
        SECRET.replace(f" {HIDDEN}", f" %{HIDDEN}"),
        SECRET.replace(f" {HIDDEN}", f" [{HIDDEN}]"),
        SECRET.replace(f" {HIDDEN}", f" {HIDDEN}\0"),
        SECRET.replace(f" {HIDDEN}", f" &{HIDDEN} &{HIDDEN} x"),
        SECRET.replace("stringData:\n  password", "data:\n  password") + "!",
        SECRET.replace("stringData:\n  password:", "stringData:"),
        SECRET.replace("stringData:\n  password:", "data:"),
        SECRET.replace("stringData:", f"data: {BASE64}\nstringDat:"),
        SECRET.replace("Secret", "Secrets") + f"more: {HIDDEN}",
    ],
)
def test_no_error_tells_a_secret(text: str) -> None:
    with pytest.raises(RefusedError) as raised:
        _ = [convert(document, Secret) for document in read_documents(text.encode())]
    refusal = raised.value
    for told in (str(refusal), refusal.reason, refusal.message, refusal.path, repr(refusal)):
        assert "hunter2" not in told
        assert BASE64[:8] not in told
