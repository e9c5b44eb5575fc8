"""Manifests as strategies: random trees, and real manifests with anything in any of their places."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

DIRECTORY = Path(__file__).parents[1] / "kubenode" / "manifests"

# Texts that some rule, format or program takes for something else than text.
ODD_TEXTS = (
    *("", " ", "\0", "a\0b", "..", "../x", "/", "a/../b", "$(A)", "$$(A)", "$(", "~", "null", "0644", "1e400", "-1"),
    *(
        "9" * 40,
        "1e99",
        "1Ei",
        "100T",
        "0.5",
        "NaN",
        "x" * 300,
        "é",
        "\u202e",
        "\U0001f600",
        "\x85",
        "\u2028",
        "\ufeff",
    ),
    *("Always", "Never", "None", "Localhost", "Bidirectional", "app", "-", "--", "=", "a=b", "{}", "[]", "!x", "*x"),
)
ODD_NUMBERS = (
    0,
    -1,
    1,
    2**31 - 1,
    2**31,
    2**63 - 1,
    2**63,
    2**64,
    -(2**63),
    10**30,
    0.5,
    1e308,
    float("inf"),
    float("nan"),
)

scalars = (
    st.none()
    | st.booleans()
    | st.sampled_from(ODD_NUMBERS)
    | st.integers()
    | st.sampled_from(ODD_TEXTS)
    | st.text(max_size=8)
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(ODD_TEXTS) | st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


def real_manifests() -> dict[str, dict[str, Any]]:
    """By name: every pod of tests/kubenode/manifests/static, as plain values."""
    return {path.stem: yaml.safe_load(path.read_text()) for path in sorted((DIRECTORY / "static").glob("*.yaml"))}


REAL = real_manifests()
# Every field of a pod that no real manifest here has.
WIDE: dict[str, Any] = {
    "activeDeadlineSeconds": 60,
    "restartPolicy": "OnFailure",
    "hostUsers": True,
    "hostname": "h",
    "subdomain": "s",
    "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["a.test"]}],
    "dnsPolicy": "None",
    "dnsConfig": {"nameservers": ["192.0.2.1"], "searches": ["a.test"], "options": [{"name": "ndots", "value": "2"}]},
    "overhead": {"cpu": "10m"},
    "resources": {"limits": {"cpu": "2", "memory": "1Gi"}},
    "imagePullSecrets": [{"name": "pull"}],
    "securityContext": {
        "fsGroup": 5,
        "supplementalGroups": [6],
        "appArmorProfile": {"type": "RuntimeDefault"},
        "sysctls": [{"name": "net.core.somaxconn", "value": "9"}],
        "seLinuxOptions": {"level": "s0"},
    },
    "initContainers": [{"name": "side", "image": "r.test/s:1", "restartPolicy": "Always"}],
    "containers": [
        {
            "name": "app",
            "image": "r.test/a:1",
            "env": [
                {"name": "A", "value": "$(B)"},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
                {"name": "C", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
            ],
            "envFrom": [{"prefix": "P_", "configMapRef": {"name": "c"}}],
            "ports": [{"containerPort": 80, "hostPort": 8080, "name": "web", "hostIP": "127.0.0.1"}],
            "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
            "restartPolicy": "OnFailure",
            "restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [3]}}],
            "resources": {"limits": {"hugepages-2Mi": "2Mi", "memory": "1Gi"}, "requests": {"hugepages-2Mi": "2Mi"}},
            "startupProbe": {"grpc": {"port": 80}},
            "lifecycle": {"postStart": {"exec": {"command": ["x"]}}, "stopSignal": "SIGINT"},
            "volumeMounts": [
                {"name": "all", "mountPath": "/all", "subPathExpr": "$(A)"},
                {"name": "tmp", "mountPath": "/tmp", "readOnly": True, "recursiveReadOnly": "Enabled"},
                {"name": "data", "mountPath": "/data"},
            ],
        }
    ],
    "volumes": [
        {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "data", "image": {"reference": "r.test/d:1", "pullPolicy": "Always"}},
        {
            "name": "all",
            "projected": {
                "defaultMode": 256,
                "sources": [
                    {"secret": {"name": "s", "items": [{"key": "k", "path": "a/b", "mode": 4}]}},
                    {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
                ],
            },
        },
    ],
}
REAL["wide"] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "wide", "labels": {"a": "b"}}, "spec": WIDE}


def _places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inner for place in _places(part, (*path, key)))]


PLACES = [(name, place) for name, manifest in REAL.items() for place in _places(manifest) if place]


def changed(name: str, place: tuple[str | int, ...], value: Any, key: str = "") -> dict[str, Any]:
    """A real manifest with the value in one of its places, or with a `key` under it; what was there is lost."""
    manifest = copy.deepcopy(REAL[name])
    at: Any = manifest
    for step in place[:-1]:
        at = at[step]
    inner = at[place[-1]]
    if key and isinstance(inner, dict):
        inner[key] = value
    else:
        at[place[-1]] = value
    return manifest


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A real manifest with up to three values that are anything, or a part of another manifest."""
    name, place = draw(st.sampled_from(PLACES))
    manifest = changed(
        name, place, draw(trees | st.sampled_from(PLACES).map(_part)), draw(st.just("") | st.sampled_from(ODD_TEXTS))
    )
    for _ in range(draw(st.integers(0, 2))):
        here = [one for one in _places(manifest) if one]
        at: Any = manifest
        *way, last = draw(st.sampled_from(here))
        for step in way:
            at = at[step]
        at[last] = draw(trees)
    return manifest


def _part(where: tuple[str, tuple[str | int, ...]]) -> Any:
    name, place = where
    value: Any = REAL[name]
    for step in place:
        value = value[step]
    return copy.deepcopy(value)
