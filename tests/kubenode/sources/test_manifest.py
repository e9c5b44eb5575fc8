"""From bytes to pods: what is read, and that all else is refused with line and path, in bounded time and memory."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubenode.model.pod import NOT_RUN, Container, Pod, PodSpec
from kubenode.model.static_pod import Origin, SourceKind, static_pod
from kubenode.sources.manifest import MAX_BYTES, RefusedError, read_pod, read_pods

POD = """\
# A pod of the tests.
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {a: b}
spec:
  containers:
    - name: app
      image: r.test/app:1
      env:
        - name: A
          value: "1"
"""
MIB = 2**20


def _refusal(text: str | bytes) -> RefusedError:
    with pytest.raises(RefusedError) as raised:
        read_pod(text.encode() if isinstance(text, str) else text)
    return raised.value


def test_yaml() -> None:
    pod = read_pod(POD.encode())
    assert (pod.metadata.name, pod.metadata.labels) == ("web", {"a": "b"})
    assert pod.spec.containers[0].env[0].value == "1"


def test_json() -> None:
    text = json.dumps(yaml.safe_load(POD), indent=1)
    assert read_pod(text.encode()) == read_pod(POD.encode())


def test_one_document_among_empty_ones() -> None:
    assert read_pod(f"---\n---\n{POD}---\n".encode()) == read_pod(POD.encode())


def test_anchors_and_merges() -> None:
    text = POD.replace("labels: {a: b}", "labels: &l {a: b}\n  annotations: {<<: *l, c: d}")
    assert read_pod(text.encode()).metadata.annotations == {"a": "b", "c": "d"}


@pytest.mark.parametrize("value", ["2020-01-01", "1:30", "0o17", "=", "12e03x", "null_", "1_000"])
def test_text_that_other_readers_take_for_something_else(value: str) -> None:
    assert read_pod(POD.replace('"1"', value).encode()).spec.containers[0].env[0].value == value


@pytest.mark.parametrize("value", ["1", "1.5", "true", "yes", "0x10", "0644"])
def test_a_value_that_is_no_text_has_to_be_quoted(value: str) -> None:
    refusal = _refusal(POD.replace('"1"', value))
    assert refusal.reason.startswith("$.spec.containers[0].env[0].value: expected str, got ")
    assert refusal.line == 13


# Text to replace in POD, by what, the line, and how the reason begins.
REFUSED = [
    ("metadata:\n", "metadata: {\n", 6, "not YAML: "),
    ("  name: web", "\tname: web", 5, "not YAML: "),
    ("kind: Pod", "kind: Pod\nkind: Pod", 4, "the key 'kind' stands twice"),
    ("image: r.test/app:1", "image: a\n      image: b", 11, "the key 'image' stands twice"),
    ("kind: Pod", "kind: Deployment", 3, "$.kind: the kind is 'Deployment'; only a Pod is run from here"),
    ("kind: Pod\n", "", 2, "$.kind: it has no kind; only a Pod is run from here"),
    ("apiVersion: v1", "apiVersion: v2", 2, "$.apiVersion: 'v2' is not a pod's version"),
    ("  name: web\n", "", 4, "$.metadata: object missing required field name"),
    ("name: web", "name: Web", 5, "$.metadata.name: 'Web' is not a name"),
    ("labels: {a: b}", "labels: [a]", 6, "$.metadata.labels: expected object, got array"),
    ("labels: {a: b}", "labels: {1: b}", 6, "a key that is not text: write it in quotes"),
    ("labels: {a: b}", "labels: {? [a] : b}", 6, "a key that is not text: write it in quotes"),
    ("labels: {a: b}", "labels: !!set {a}", 6, "a value of type 'tag:yaml.org,2002:set' has no place in a manifest"),
    ("labels: {a: b}", "labels: !mine {a: b}", 6, "a value with a tag has no place in a manifest: write"),
    ("labels: {a: b}", "labels: *gone", 6, "not YAML: found undefined alias"),
    ("labels: {a: b}", "labels: {<<: 3}", 6, "not YAML that a manifest may hold: "),
    ('"1"', "!!bool x", 2, "not YAML that a manifest may hold: "),
    ('"1"', "!!int ''", 2, "not YAML that a manifest may hold: "),
    ("image: r.test/app:1", "image: ''", 10, "$.spec.containers[0].image: '' is not an image reference"),
    ("image: r.test/app:1", "imgae: x", 10, "$.spec.containers[0].imgae: no such field; did you mean image?"),
    (
        "spec:\n",
        "spec:\n  restartpolicy: Never\n",
        8,
        "$.spec.restartpolicy: no such field; did you mean restartPolicy?",
    ),
    ("spec:\n", "spec:\n  qqqqqqq: 1\n", 8, "$.spec.qqqqqqq: no such field"),
    ("spec:\n", "spec:\n  readinessGates: []\n", 8, "$.spec.readinessGates: a static pod cannot have it: their"),
    ("value: ", "valueFrom: ", 13, "$.spec.containers[0].env[0].valueFrom: expected object | null, got str"),
    (POD[POD.index("spec:") :], "spec: null", 2, "$: object missing required field spec"),
    (POD[POD.index("spec:") :], "spec: {containers: []}", 7, "$.spec.containers: a pod needs at least one container"),
    (POD, "- a", 1, "a Pod is expected, written as a mapping"),
    (POD, "just text", 1, "a Pod is expected, written as a mapping"),
    (POD, "", 0, "the file is empty"),
    (POD, " \n\t\n", 0, "the file is empty"),
    (POD, "# nothing\n", 0, "the file holds 0 documents"),
    (POD, f"{POD}---\n{POD}", 0, "the file holds 2 documents: give each pod a file of its own"),
]


@pytest.mark.parametrize(("old", "new", "line", "reason"), REFUSED)
def test_refusals_name_line_and_path(old: str, new: str, line: int, reason: str) -> None:
    assert old in POD
    refusal = _refusal(POD.replace(old, new, 1))
    assert refusal.reason[: len(reason)] == reason
    assert refusal.line == line


@pytest.mark.parametrize("field", sorted(NOT_RUN))
def test_what_is_not_run_yet_is_no_field_of_ours(field: str) -> None:
    """A field that became supported must leave the list; `restartPolicy` is the pod's, but not the container's."""
    structs = (Pod, PodSpec, Container) if field != "restartPolicy" else (Container,)
    assert all(field not in struct.__struct_encode_fields__ for struct in structs)


BINARY = [
    bytes(range(256)),
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\x89PNG\r\n\x1a\n\0\0",
    "kind: Pod".encode("utf-16"),
    b"kind: \xc3\x28",
    b"%YAML 9.9\n---\na",
]


@pytest.mark.parametrize("data", BINARY)
def test_binary_is_refused_in_one_line(data: bytes) -> None:
    assert "\n" not in _refusal(data).reason


def _bomb() -> bytes:
    lines = [f"{chr(n)}: &{chr(n)} [{','.join([f'*{chr(n - 1)}'] * 9)}]" for n in range(98, 122)]
    return "\n".join(["a: &a [x, x, x]", *lines]).encode()


HUGE = {
    "an alias bomb": _bomb(),
    "an alias inside itself": b"a: &a [*a]",
    "a mapping inside itself": b"&a {a: *a}",
    "a chain of aliases": b"- &a0 [1]\n" + b"".join(b"- &a%d [*a%d]\n" % (n, n - 1) for n in range(1, 5000)),
    "many aliases": b"x: &a 1\ny: [" + b"*a," * (2 * MIB) + b"]",
    "many values": b"[" + b"a," * (5 * MIB - 10) + b"]",
    "many documents": b"---\na\n" * MIB,
    "deep brackets": b"[" * 100_000,
    "deep and closed": b"kind: Pod\nx: " + b"[" * 100_000 + b"]" * 100_000,
    "deep mappings": b"{a: " * 100_000,
    "deep keys": b"? " * 100_000,
    "deep dashes": b"- " * (5 * MIB),
    "a long text": b'"' + b"x" * (10 * MIB - 10) + b'"',
    "a long name": POD.replace("name: web", "name: " + "a." * (4 * MIB)).encode(),
    "a long field": POD.replace("spec:", "spec:\n  ? " + "q" * MIB + "\n  : 1").encode(),
    "a long number": POD.replace('"1"', "9" * MIB).encode(),
    "a long quantity": POD.replace("env:", f"resources: {{limits: {{cpu: '{'9' * MIB}'}}}}\n      env:").encode(),
    "more than a manifest may have": b"x" * (MAX_BYTES + 1),
}


@pytest.mark.parametrize("data", HUGE.values(), ids=HUGE)
@pytest.mark.timeout(10)
def test_what_is_huge_is_refused_soon(data: bytes) -> None:
    assert len(_refusal(data).reason) <= 400


def test_deep_nesting_does_not_end_the_process() -> None:
    """The YAML library's own composer has no limit; it would end the process with a segmentation fault."""
    script = (
        "from kubenode.sources.manifest import *\ntry: read_pod(b'[' * 9000000)\nexcept RefusedError as e: print(e)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "values are nested more than 100 deep\n")


# Text with the letters that mean something to YAML, and manifests with a part that is anything.
YAML_TEXT = st.text(st.sampled_from("abk:{}[],&*!|>-?#%@`'\"\n\t <=~01.\\\x00é"), max_size=80)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=8) | st.dates()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3), max_leaves=8
)
PLACES = (
    *("affinity", "tolerations", "priority", "terminationGracePeriodSeconds", "securityContext", "containers"),
    *("hostNetwork", "hostname", "dnsPolicy"),
)
garbage = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(YAML_TEXT | st.binary(max_size=60).map(lambda data: data.decode("latin-1")))
@garbage
def test_garbage_is_only_ever_refused(text: str) -> None:
    _read(text.encode())
    _read((POD + text).encode())
    _read(POD.replace("{a: b}", text).encode())


@given(st.sampled_from(PLACES), VALUES)
@garbage
def test_a_pod_with_anything_in_it_is_refused_or_can_be_run(place: str, value: Any) -> None:
    manifest = yaml.safe_load(POD)
    manifest["spec"][place] = value
    _read(yaml.safe_dump(manifest, allow_unicode=True).encode())


def _read(data: bytes) -> None:
    """Only a refusal may escape; what is accepted must get its UID too."""
    with contextlib.suppress(RefusedError):
        static_pod(read_pod(data), Origin(SourceKind.FILE, "/m/x.yaml"), "node")


class TestLists:
    """A URL may answer with a Pod, a PodList or a List."""

    @pytest.mark.parametrize("kind", ["PodList", "List"])
    def test_each_item_stands_for_itself(self, kind: str) -> None:
        item = yaml.safe_load(POD)
        bad = {**item, "kind": "Service"}
        other = {**item, "metadata": {"name": "db"}}
        text = yaml.safe_dump({"apiVersion": "v1", "kind": kind, "items": [item, bad, 3, other]})
        found = list(read_pods(text.encode()))
        assert [type(one).__name__ for one in found] == ["Pod", "RefusedError", "RefusedError", "Pod"]
        lines = text.splitlines()
        refusals = [one for one in found if isinstance(one, RefusedError)]
        assert [lines[one.line - 1] for one in refusals] == ["  kind: Service", "- 3"]

    def test_the_second_of_two_pods_of_one_name_is_refused(self) -> None:
        item = yaml.safe_load(POD)
        text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [item, item]})
        first, second = read_pods(text.encode())
        assert first == read_pod(POD.encode())
        assert isinstance(second, RefusedError)
        assert second.reason == (
            "$.items[1].metadata.name: $.items[0] is pod default/web already: rename or remove one of the two"
        )

    def test_a_pod_alone(self) -> None:
        assert list(read_pods(POD.encode())) == [read_pod(POD.encode())]

    def test_an_empty_list(self) -> None:
        assert list(read_pods(b"{kind: PodList, items: []}")) == []

    @pytest.mark.parametrize("text", ["{kind: PodList}", "{kind: PodList, items: {}}", "{kind: List, items: null}"])
    def test_a_list_without_items_is_refused_whole(self, text: str) -> None:
        with pytest.raises(RefusedError, match=r"\$\.items: a list of pods is expected"):
            list(read_pods(text.encode()))
