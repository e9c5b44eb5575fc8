"""The rules of each part of a pod, those of Kubernetes' API: what is allowed, and the path of what is not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kubenode.model.pod import Pod
from kubenode.model.validation import Problem, problems

APP = {"name": "app", "image": "r.test/app:1"}
C0, I0, V0, S = "$.spec.containers[0]", "$.spec.initContainers[0]", "$.spec.volumes[0]", "$.spec"
EXEC = {"exec": {"command": ["x"]}}
HTTP = {"httpGet": {"port": 80}}


def _problems(spec: dict[str, Any], metadata: dict[str, Any] | None = None) -> list[Problem]:
    whole = {"containers": [APP], **spec}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", **(metadata or {})}, "spec": whole}
    return list(problems(msgspec.convert(manifest, Pod)))


def _app(**fields: Any) -> dict[str, Any]:
    return {"containers": [APP | fields]}


def _init(**fields: Any) -> dict[str, Any]:
    return {"initContainers": [{"name": "init", "image": "r.test/i:1", **fields}]}


def _volume(**source: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "v", **source}]}


def _mount(volume: dict[str, Any] | None = None, *, privileged: bool = False, **fields: Any) -> dict[str, Any]:
    mount = {"name": "v", "mountPath": "/x", **fields}
    return _volume(**(volume or {})) | _app(volumeMounts=[mount], securityContext={"privileged": privileged})


def _env(**fields: Any) -> dict[str, Any]:
    return _app(env=[{"name": "A", **fields}])


def _from(**source: Any) -> dict[str, Any]:
    return _env(valueFrom=source)


def _file(**fields: Any) -> dict[str, Any]:
    return _volume(downwardAPI={"items": [{"path": "x", **fields}]})


def _projected(*sources: dict[str, Any]) -> dict[str, Any]:
    return _volume(projected={"sources": list(sources)})


def _limits(limits: dict[str, Any], requests: dict[str, Any] | None = None) -> dict[str, Any]:
    return _app(resources={"limits": limits, "requests": requests or {}})


def _rules(*rules: dict[str, Any], policy: str = "Never") -> dict[str, Any]:
    return _app(restartPolicy=policy, restartPolicyRules=list(rules))


RULE = {"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}

GOOD: list[dict[str, Any]] = [
    *(_volume(emptyDir={"medium": medium}) for medium in ("", "Memory", "HugePages", "HugePages-2Mi")),
    _volume(emptyDir={"sizeLimit": "1Gi"}),
    _volume(),
    *(_volume(hostPath={"path": "/a..b/c", "type": kind}) for kind in ("", "Socket", "CharDevice", "FileOrCreate")),
    _volume(configMap={"name": "c", "defaultMode": 0o777, "items": [{"key": "a.b_c-D", "path": "a/b", "mode": 0}]}),
    _volume(image={"reference": "r.test/data:1", "pullPolicy": "Never"}),
    _projected({"configMap": {"name": "c"}}, {"secret": {"name": "s"}}, {"downwardAPI": {}}),
    _file(fieldRef={"fieldPath": "metadata.labels"}),
    _file(fieldRef={"fieldPath": "metadata.annotations['a/B']"}),
    _file(resourceFieldRef={"resource": "limits.hugepages-2Mi", "containerName": "app", "divisor": "1Mi"}),
    _mount(subPath="a/..b"),
    _mount({"image": {"reference": "r.test/data:1"}}, subPath="a"),
    _mount(mountPropagation="Bidirectional", privileged=True),
    _mount(readOnly=True, recursiveReadOnly="Enabled", mountPropagation="None"),
    _app(livenessProbe=EXEC, readinessProbe=HTTP | {"successThreshold": 3}, startupProbe={"grpc": {"port": 1}}),
    _app(livenessProbe={"tcpSocket": {"port": "http-2"}, "terminationGracePeriodSeconds": 1}),
    _app(lifecycle={"preStop": {"sleep": {"seconds": 30}}, "stopSignal": "SIGRTMIN+3"}),
    _init(),
    _init(restartPolicy="Always", livenessProbe=EXEC, lifecycle={"postStart": EXEC}),
    _init(restartPolicy="Never", restartPolicyRules=[RULE]),
    _init(restartPolicy="OnFailure"),
    _rules(RULE),
    _from(fieldRef={"fieldPath": "status.podIPs"}),
    _from(fieldRef={"fieldPath": "metadata.labels['app.kubernetes.io/name']"}),
    _from(resourceFieldRef={"resource": "requests.cpu", "divisor": "1m"}),
    _env(name="a.b-c d"),
    _limits({"example.com/gpu": 1}, {"example.com/gpu": "1"}),
    _limits({"hugepages-2Mi": "4Mi", "memory": "1Gi"}, {"hugepages-2Mi": "4Mi"}),
    {"resources": {"limits": {"cpu": 1}, "requests": {"cpu": 1}}, **_limits({}, {"cpu": "500m"})},
    {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["192.0.2.1"], "searches": ["a_b.c.", "."]}},
    {"hostAliases": [{"ip": "::1", "hostnames": ["a.b"]}]},
    {"hostUsers": False, **_app(securityContext={"procMount": "Unmasked"})},
    {"securityContext": {"sysctls": [{"name": "net/ipv4/conf.eth0/x", "value": "1"}]}},
    _app(
        ports=[{"containerPort": 80, "name": "a-1"}],
        resizePolicy=[{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
    ),
]


@pytest.mark.parametrize("spec", GOOD, ids=str)
def test_nothing_speaks_against_it(spec: dict[str, Any]) -> None:
    assert _problems(spec) == []


VOLUMES = [
    ({"volumes": [{"name": "v"}, {"name": "v"}]}, "$.spec.volumes[1].name"),
    (_volume(name="V"), f"{V0}.name"),
    (_volume(emptyDir={}, hostPath={"path": "/x"}), f"{V0}.hostPath"),
    (_volume(emptyDir={"medium": "Tape"}), f"{V0}.emptyDir.medium"),
    (_volume(emptyDir={"medium": "HugePages-"}), f"{V0}.emptyDir.medium"),
    (_volume(emptyDir={"medium": "HugePages-0"}), f"{V0}.emptyDir.medium"),
    (_volume(emptyDir={"sizeLimit": "-1"}), f"{V0}.emptyDir.sizeLimit"),
    (_volume(hostPath={"path": "/a/../b"}), f"{V0}.hostPath.path"),
    (_volume(hostPath={"path": "a"}), f"{V0}.hostPath.path"),
    (_volume(hostPath={"path": "/a", "type": "Pipe"}), f"{V0}.hostPath.type"),
    (_volume(configMap={}), f"{V0}.configMap.name"),
    (_volume(secret={"secretName": "S"}), f"{V0}.secret.secretName"),
    (_volume(secret={"secretName": "s", "defaultMode": 0o1000}), f"{V0}.secret.defaultMode"),
    (_volume(configMap={"name": "c", "items": [{"key": "a/b", "path": "x"}]}), f"{V0}.configMap.items[0].key"),
    (_volume(configMap={"name": "c", "items": [{"key": "a", "path": "../x"}]}), f"{V0}.configMap.items[0].path"),
    (_volume(configMap={"name": "c", "items": [{"key": "a", "path": "/x"}]}), f"{V0}.configMap.items[0].path"),
    (_volume(configMap={"name": "c", "items": [{"key": "a", "path": "..x"}]}), f"{V0}.configMap.items[0].path"),
    (
        _volume(configMap={"name": "c", "items": [{"key": "a", "path": "x", "mode": -1}]}),
        f"{V0}.configMap.items[0].mode",
    ),
    (_volume(image={"reference": ""}), f"{V0}.image.reference"),
    (_volume(image={"reference": "x", "pullPolicy": "No"}), f"{V0}.image.pullPolicy"),
    (_projected({}), f"{V0}.projected.sources[0]"),
    (_projected({"configMap": {"name": "c"}, "secret": {"name": "s"}}), f"{V0}.projected.sources[0].secret"),
    (
        _projected(*[{"secret": {"name": "s", "items": [{"key": "a", "path": "x"}]}}] * 2),
        f"{V0}.projected.sources[1].secret.items[0].path",
    ),
    (_file(), f"{V0}.downwardAPI.items[0]"),
    (_file(fieldRef={"fieldPath": "spec.nodeName"}), f"{V0}.downwardAPI.items[0].fieldRef.fieldPath"),
    (_file(resourceFieldRef={"resource": "limits.cpu"}), f"{V0}.downwardAPI.items[0].resourceFieldRef"),
    (
        _file(resourceFieldRef={"resource": "limits.cpu", "containerName": "x"}),
        f"{V0}.downwardAPI.items[0].resourceFieldRef.containerName",
    ),
    (_mount(name="w"), f"{C0}.volumeMounts[0].name"),
    (_mount(mountPath=""), f"{C0}.volumeMounts[0].mountPath"),
    (_volume() | _app(volumeMounts=[{"name": "v", "mountPath": "/x"}] * 2), f"{C0}.volumeMounts[1].mountPath"),
    (_mount(subPath="/a"), f"{C0}.volumeMounts[0].subPath"),
    (_mount(subPathExpr="a/../$(B)"), f"{C0}.volumeMounts[0].subPathExpr"),
    (_mount(subPath="a", subPathExpr="b"), f"{C0}.volumeMounts[0].subPathExpr"),
    (_mount(mountPropagation="Bidirectional"), f"{C0}.volumeMounts[0].mountPropagation"),
    (_mount(mountPropagation="Both"), f"{C0}.volumeMounts[0].mountPropagation"),
    (_mount(recursiveReadOnly="Enabled"), f"{C0}.volumeMounts[0].recursiveReadOnly"),
    (
        _mount(recursiveReadOnly="Enabled", readOnly=True, mountPropagation="HostToContainer"),
        f"{C0}.volumeMounts[0].recursiveReadOnly",
    ),
]
PROBES = [
    (_app(livenessProbe={}), f"{C0}.livenessProbe"),
    (_app(livenessProbe=EXEC | HTTP), f"{C0}.livenessProbe.httpGet"),
    (_app(livenessProbe={"exec": {}}), f"{C0}.livenessProbe.exec.command"),
    (_app(livenessProbe={"httpGet": {"port": 0}}), f"{C0}.livenessProbe.httpGet.port"),
    (_app(livenessProbe={"httpGet": {"port": "80"}}), f"{C0}.livenessProbe.httpGet.port"),
    (_app(livenessProbe={"httpGet": {"port": 1, "scheme": "ftp"}}), f"{C0}.livenessProbe.httpGet.scheme"),
    (_app(livenessProbe={"httpGet": {"port": 1, "scheme": "http"}}), f"{C0}.livenessProbe.httpGet.scheme"),
    (
        _app(livenessProbe={"httpGet": {"port": 1, "httpHeaders": [{"name": "a b"}]}}),
        f"{C0}.livenessProbe.httpGet.httpHeaders[0].name",
    ),
    (
        _app(livenessProbe={"httpGet": {"port": 1, "httpHeaders": [{"name": "a", "value": "x\r\nb: c"}]}}),
        f"{C0}.livenessProbe.httpGet.httpHeaders[0].value",
    ),
    (_app(livenessProbe={"grpc": {"port": 65536}}), f"{C0}.livenessProbe.grpc.port"),
    (_app(livenessProbe=EXEC | {"successThreshold": 2}), f"{C0}.livenessProbe.successThreshold"),
    (_app(startupProbe=EXEC | {"successThreshold": 2}), f"{C0}.startupProbe.successThreshold"),
    (_app(startupProbe=EXEC | {"initialDelaySeconds": -1}), f"{C0}.startupProbe.initialDelaySeconds"),
    *(
        (_app(readinessProbe=EXEC | {field: -1}), f"{C0}.readinessProbe.{field}")
        for field in ("periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold")
    ),
    (_app(livenessProbe=EXEC | {"periodSeconds": 2**31}), f"{C0}.livenessProbe.periodSeconds"),
    (
        _app(readinessProbe=EXEC | {"terminationGracePeriodSeconds": 1}),
        f"{C0}.readinessProbe.terminationGracePeriodSeconds",
    ),
    (
        _app(livenessProbe=EXEC | {"terminationGracePeriodSeconds": 0}),
        f"{C0}.livenessProbe.terminationGracePeriodSeconds",
    ),
    (_app(lifecycle={"preStop": {}}), f"{C0}.lifecycle.preStop"),
    (_app(lifecycle={"preStop": {"sleep": {"seconds": 31}}}), f"{C0}.lifecycle.preStop.sleep.seconds"),
    (_app(lifecycle={"postStart": {"sleep": {"seconds": -1}}}), f"{C0}.lifecycle.postStart.sleep.seconds"),
    (_app(lifecycle={"stopSignal": "TERM"}), f"{C0}.lifecycle.stopSignal"),
]
CONTAINERS = [
    (_init(name="app"), f"{I0}.name"),
    (_init(restartPolicy="Sometimes"), f"{I0}.restartPolicy"),
    *((_init(restartPolicy=policy, livenessProbe=EXEC), f"{I0}.livenessProbe") for policy in ("Never", "OnFailure")),
    (_init(restartPolicyRules=[RULE]), f"{I0}.restartPolicyRules"),
    *((_init(**{field: EXEC}), f"{I0}.{field}") for field in ("livenessProbe", "readinessProbe", "startupProbe")),
    (_init(lifecycle={"preStop": EXEC}), f"{I0}.lifecycle"),
    (_init(restartPolicy="Always", livenessProbe={}), f"{I0}.livenessProbe"),
    (_init(image=""), f"{I0}.image"),
    (_app(restartPolicy="Sometimes"), f"{C0}.restartPolicy"),
    (_rules(RULE, policy=""), f"{C0}.restartPolicyRules"),
    (_rules(*[RULE] * 21), f"{C0}.restartPolicyRules"),
    (_rules({"action": "Stop", "exitCodes": RULE["exitCodes"]}), f"{C0}.restartPolicyRules[0].action"),
    (_rules({"action": "Restart"}), f"{C0}.restartPolicyRules[0]"),
    (
        _rules({"action": "Restart", "exitCodes": {"operator": "In"}}),
        f"{C0}.restartPolicyRules[0].exitCodes.values",
    ),
    (
        _rules({"action": "Restart", "exitCodes": {"operator": "in", "values": [1]}}),
        f"{C0}.restartPolicyRules[0].exitCodes.operator",
    ),
    (_app(terminationMessagePolicy="Logs"), f"{C0}.terminationMessagePolicy"),
    (_app(command=["a", "b\0"]), f"{C0}.command[1]"),
    (_app(args=["\0"]), f"{C0}.args[0]"),
    (_app(workingDir="/\0"), f"{C0}.workingDir"),
    *(
        (_app(ports=[{"containerPort": 1, "name": name}]), f"{C0}.ports[0].name")
        for name in ("80", "Http", "a--b", "-a", "a-", "a" * 16, "a_b")
    ),
    (_app(ports=[{"containerPort": n, "name": "a"} for n in (1, 2)]), f"{C0}.ports[1].name"),
    (_init(ports=[{"containerPort": 1, "hostPort": 1}] * 2), f"{I0}.ports[1].hostPort"),
    ({"hostNetwork": True, **_app(ports=[{"containerPort": 1}] * 2)}, f"{C0}.ports[1].containerPort"),
    (_env(value="x", valueFrom={"fieldRef": {"fieldPath": "metadata.name"}}), f"{C0}.env[0].valueFrom"),
    (_from(), f"{C0}.env[0].valueFrom"),
    (
        _from(fieldRef={"fieldPath": "metadata.name"}, secretKeyRef={"name": "s", "key": "k"}),
        f"{C0}.env[0].valueFrom.secretKeyRef",
    ),
    (_from(secretKeyRef={"key": "k"}), f"{C0}.env[0].valueFrom.secretKeyRef.name"),
    (_from(secretKeyRef={"name": "s", "key": ""}), f"{C0}.env[0].valueFrom.secretKeyRef.key"),
    *(
        (_from(fieldRef={"fieldPath": path}), f"{C0}.env[0].valueFrom.fieldRef.fieldPath")
        for path in ("metadata.labels", "metadata.labels['a b']", "status.phase", "metadata.name['x']", "")
    ),
    (_from(fieldRef={"fieldPath": "metadata.name", "apiVersion": "v2"}), f"{C0}.env[0].valueFrom.fieldRef.apiVersion"),
    (_from(resourceFieldRef={"resource": "limits.pods"}), f"{C0}.env[0].valueFrom.resourceFieldRef.resource"),
    (
        _from(resourceFieldRef={"resource": "limits.cpu", "divisor": "1Mi"}),
        f"{C0}.env[0].valueFrom.resourceFieldRef.divisor",
    ),
    (_app(env=[{"name": "a\nb"}]), f"{C0}.env[0].name"),
    (_app(envFrom=[{}]), f"{C0}.envFrom[0]"),
    (_app(envFrom=[{"prefix": "a=", "secretRef": {"name": "s"}}]), f"{C0}.envFrom[0].prefix"),
    (_app(envFrom=[{"configMapRef": {}}]), f"{C0}.envFrom[0].configMapRef.name"),
    (_app(envFrom=[{"configMapRef": {"name": "c"}, "secretRef": {"name": "s"}}]), f"{C0}.envFrom[0].secretRef"),
]
RESOURCES = [
    (_limits({"gpu": 1}), f"{C0}.resources.limits.gpu"),
    (_limits({"example.com/gpu": "1.5"}), f"{C0}.resources.limits['example.com/gpu']"),
    (_limits({}, {"example.com/gpu": 1}), f"{C0}.resources.requests['example.com/gpu']"),
    (_limits({"hugepages-2Mi": "2Mi"}), f"{C0}.resources"),
    (_limits({"hugepages-2Mi": "3Mi", "cpu": 1}), f"{C0}.resources.limits.hugepages-2Mi"),
    (_limits({"hugepages-x": "2Mi", "cpu": 1}), f"{C0}.resources.limits.hugepages-x"),
    (_limits({"hugepages-0": "2Mi", "cpu": 1}), f"{C0}.resources.limits.hugepages-0"),
    ({"resources": {"limits": {"ephemeral-storage": 1}}}, f"{S}.resources.limits.ephemeral-storage"),
    ({"resources": {"requests": {"cpu": 1}}, **_limits({}, {"cpu": 2})}, f"{S}.resources.requests.cpu"),
    ({"resources": {"limits": {"cpu": 1}}, **_limits({"cpu": 2})}, f"{C0}.resources.limits.cpu"),
    ({"overhead": {"cpu": "-1"}}, f"{S}.overhead.cpu"),
    (
        _app(resizePolicy=[{"resourceName": "gpu", "restartPolicy": "NotRequired"}]),
        f"{C0}.resizePolicy[0].resourceName",
    ),
    (
        _app(resizePolicy=[{"resourceName": "cpu", "restartPolicy": "NotRequired"}] * 2),
        f"{C0}.resizePolicy[1].resourceName",
    ),
    (
        {"restartPolicy": "Never", **_app(resizePolicy=[{"resourceName": "cpu", "restartPolicy": "RestartContainer"}])},
        f"{C0}.resizePolicy[0].restartPolicy",
    ),
]
POD = [
    ({"activeDeadlineSeconds": 0}, f"{S}.activeDeadlineSeconds"),
    ({"priority": 2**31}, f"{S}.priority"),
    ({"hostPID": True, "shareProcessNamespace": True}, f"{S}.shareProcessNamespace"),
    ({"os": {"name": "beos"}}, f"{S}.os.name"),
    ({"runtimeClassName": "A"}, f"{S}.runtimeClassName"),
    ({"imagePullSecrets": [{"name": "A"}]}, f"{S}.imagePullSecrets[0].name"),
    ({"nodeSelector": {"a b": "x"}}, f"{S}.nodeSelector['a b']"),
    ({"subdomain": "a.b"}, f"{S}.subdomain"),
    ({"hostnameOverride": "a" * 65}, f"{S}.hostnameOverride"),
    ({"hostnameOverride": "a", "hostNetwork": True}, f"{S}.hostnameOverride"),
    ({"hostAliases": [{"ip": "x"}]}, f"{S}.hostAliases[0].ip"),
    ({"hostAliases": [{"ip": "192.0.2.1", "hostnames": ["a b"]}]}, f"{S}.hostAliases[0].hostnames[0]"),
    ({"dnsConfig": {"nameservers": ["192.0.2.1"] * 4}}, f"{S}.dnsConfig.nameservers"),
    ({"dnsConfig": {"nameservers": ["dns.test"]}}, f"{S}.dnsConfig.nameservers[0]"),
    ({"dnsConfig": {"searches": ["a"] * 33}}, f"{S}.dnsConfig.searches"),
    ({"dnsConfig": {"searches": ["a\nnameserver b"]}}, f"{S}.dnsConfig.searches[0]"),
    ({"dnsConfig": {"options": [{"name": "a\nb"}]}}, f"{S}.dnsConfig.options[0]"),
    ({"dnsConfig": {"options": [{"name": ""}]}}, f"{S}.dnsConfig.options[0]"),
    ({"securityContext": {"fsGroup": -1}}, f"{S}.securityContext.fsGroup"),
    ({"securityContext": {"supplementalGroupsPolicy": "x"}}, f"{S}.securityContext.supplementalGroupsPolicy"),
    ({"securityContext": {"fsGroupChangePolicy": "x"}}, f"{S}.securityContext.fsGroupChangePolicy"),
    ({"securityContext": {"appArmorProfile": {"type": "x"}}}, f"{S}.securityContext.appArmorProfile.type"),
    (
        {"securityContext": {"appArmorProfile": {"type": "Localhost"}}},
        f"{S}.securityContext.appArmorProfile.localhostProfile",
    ),
    (
        {"securityContext": {"seccompProfile": {"type": "RuntimeDefault", "localhostProfile": "x"}}},
        f"{S}.securityContext.seccompProfile.localhostProfile",
    ),
    ({"securityContext": {"sysctls": [{"name": "a b", "value": ""}]}}, f"{S}.securityContext.sysctls[0].name"),
    (
        {"securityContext": {"sysctls": [{"name": name, "value": ""} for name in ("a.b", "a/b")]}},
        f"{S}.securityContext.sysctls[1].name",
    ),
    (
        {"hostNetwork": True, "securityContext": {"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]}},
        f"{S}.securityContext.sysctls[0].name",
    ),
    (
        {"hostIPC": True, "securityContext": {"sysctls": [{"name": "kernel/shmmax", "value": "1"}]}},
        f"{S}.securityContext.sysctls[0].name",
    ),
    (_app(securityContext={"procMount": "x"}), f"{C0}.securityContext.procMount"),
    (_app(securityContext={"procMount": "Unmasked"}), f"{C0}.securityContext.procMount"),
    (
        _app(securityContext={"allowPrivilegeEscalation": False, "capabilities": {"add": ["SYS_ADMIN"]}}),
        f"{C0}.securityContext.allowPrivilegeEscalation",
    ),
    *(({"hostUsers": False, field: True}, f"{S}.{field}") for field in ("hostNetwork", "hostPID", "hostIPC")),
]


@pytest.mark.parametrize(("spec", "path"), [*VOLUMES, *PROBES, *CONTAINERS, *RESOURCES, *POD], ids=str)
def test_what_breaks_a_rule_is_named(spec: dict[str, Any], path: str) -> None:
    found = _problems(spec)
    assert [problem.path for problem in found] == [path]
    assert found[0].message


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ({"labels": {"a b": "x"}}, "$.metadata.labels['a b']"),
        ({"labels": {"a/b/c": "x"}}, "$.metadata.labels['a/b/c']"),
        ({"labels": {"/a": "x"}}, "$.metadata.labels['/a']"),
        ({"labels": {"a": "x y"}}, "$.metadata.labels.a"),
        ({"labels": {"a": "x" * 64}}, "$.metadata.labels.a"),
        ({"annotations": {"a b": "x"}}, "$.metadata.annotations['a b']"),
        ({"annotations": {"a": "x" * 2**18}}, "$.metadata.annotations"),
    ],
    ids=str,
)
def test_labels_and_annotations(metadata: dict[str, Any], path: str) -> None:
    assert [problem.path for problem in _problems({}, metadata)] == [path]


def test_labels_and_annotations_that_are_fine() -> None:
    labels = {"app.kubernetes.io/name": "a_B.c-1", "x": "", "y": "a" * 63}
    assert _problems({}, {"labels": labels, "annotations": {"Example.com/x": "any\ntext", "a": "x" * 2**17}}) == []


def test_every_problem_is_told_not_only_the_first() -> None:
    spec = {"activeDeadlineSeconds": 0, **_app(image="", args=["\0"])}
    assert {problem.path for problem in _problems(spec)} == {
        f"{S}.activeDeadlineSeconds",
        f"{C0}.image",
        f"{C0}.args[0]",
    }


def test_a_message_repeats_no_more_than_a_line() -> None:
    found = _problems({"restartPolicy": "x" * 10**6, **_app(name="y" * 10**6)})
    assert [len(problem.message) < 300 for problem in found] == [True, True]
