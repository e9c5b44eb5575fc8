"""Whatever a manifest holds: it is refused in a sentence or becomes a static pod, soon. Nothing else escapes."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubenode.agent.checking import check
from kubenode.model.pod import Pod
from kubenode.model.static_pod import Origin, SourceKind, static_pod
from kubenode.model.validation import problems
from kubenode.sources.manifest import RefusedError, read_pod, read_pods
from support.manifests import PLACES, REAL, changed, mutated, trees

ORIGIN = Origin(SourceKind.FILE, "/m/x.yaml")
hostile = settings(max_examples=40, deadline=5000, suppress_health_check=[HealthCheck.too_slow])


def _text(manifest: Any) -> bytes:
    return bytes(yaml.dump(manifest, Dumper=yaml.CSafeDumper, allow_unicode=True, encoding="utf-8"))


def _read(data: bytes) -> Pod | None:
    """The static pod; None for what is refused, in one line and not at length."""
    pod = _pod_or_refusal(data)
    if isinstance(pod, RefusedError):
        assert 0 < len(pod.reason) <= 400
        assert "\n" not in pod.reason
        assert pod.line >= 0
        return None
    assert list(problems(pod)) == []
    made = static_pod(pod, ORIGIN, "Node-1")
    assert made.metadata.name.endswith("-node-1")
    return made


def _pod_or_refusal(data: bytes) -> Pod | RefusedError:
    try:
        return read_pod(data)
    except RefusedError as refusal:
        return refusal


@pytest.mark.parametrize("name", REAL)
def test_the_seeds_are_good(name: str) -> None:
    """Or else every change of them would be refused for the same reason."""
    assert _read(_text(REAL[name])) is not None


@given(mutated())
@hostile
def test_real_manifests_with_anything_in_any_place(manifest: dict[str, Any]) -> None:
    _read(_text(manifest))


@given(mutated())
@hostile
def test_as_json(manifest: dict[str, Any]) -> None:
    _read(json.dumps(manifest).encode())


@given(trees)
@hostile
def test_random_trees(tree: Any) -> None:
    _read(_text(tree))
    _read(_text({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": tree}))


@given(st.lists(mutated(), max_size=3), trees)
@hostile
def test_lists_of_them(items: list[Any], odd: Any) -> None:
    found = list(read_pods(_text({"kind": "List", "items": [*items, odd]})))
    assert len(found) == len(items) + 1


@pytest.mark.parametrize("odd", [None, True, [[]], {"a": 1}, 2**64, -1, "", "a\0b"], ids=repr)
def test_the_wrong_value_in_every_place(odd: Any) -> None:
    for name, place in PLACES:
        if name == "wide":
            _read(_text(changed(name, place, odd)))


@given(data=st.data())
@hostile
def test_cut_and_spliced_text(data: st.DataObject) -> None:
    """Half-written files, and two written into one another."""
    one, other = (_text(REAL[data.draw(st.sampled_from(sorted(REAL)))]) for _ in range(2))
    start, end = (data.draw(st.integers(0, len(text))) for text in (one, other))
    _read(one[:start] + data.draw(st.binary(max_size=6)) + other[end:])


@given(mutated(), st.sampled_from(["Pod", "DaemonSet", "CronJob", "ConfigMap", "Secret", "List", 3, None]))
@hostile
def test_the_checker_has_a_verdict_on_anything(manifest: dict[str, Any], kind: Any) -> None:
    wrapped = {"spec": {"template": manifest, "jobTemplate": {"spec": {"template": manifest}}}, "items": [manifest]}
    texts = [_text(manifest), _text({**manifest, **wrapped, "kind": kind})]
    assert {_verdict(b"---\n".join(texts))} <= {"ok", "warning", "invalid"}


def _verdict(content: bytes) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        report = check(["-"])
    assert all(finding.message and len(finding.message) <= 400 for finding in report.findings)
    return report.verdict.value


@pytest.mark.timeout(30)
def test_what_is_as_large_as_a_file_may_be_is_answered_soon(tmp_path: Path) -> None:
    """The rules must not compare everything with everything."""
    manifest = REAL["wide"]["spec"]
    many = 2000
    spec = {
        **manifest,
        "containers": [
            {
                "name": f"c{n}",
                "image": "x",
                "volumeMounts": [{"name": f"v{n}", "mountPath": "/x"}],
                "env": [
                    {"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "containerName": "c9"}}}
                ],
                "resources": {"requests": {"cpu": "1m"}},
            }
            for n in range(many)
        ],
        "volumes": [{"name": f"v{n}", "emptyDir": {}} for n in range(many)],
        "resources": {},
    }
    text = _text({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec})
    assert _read(text) is not None
    file = tmp_path / "large.yaml"
    file.write_bytes(text)
    assert check([str(file)]).verdict == "ok"
