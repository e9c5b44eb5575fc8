"""The inventory plugin, with programs in place of kubenode and of SSH that say what they are told to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import collection_modules as collection

BIN = Path(sys.executable).parent
# In place of ssh: the last two arguments are the host and the command.
SSH = """#!/bin/sh
for word; do host=$last last=$word; done
echo "$@" >>{folder}/ssh.log
case $host in
away*) exit 255;;
stuck*) sleep 60;;
esac
PATH={folder}/$host:/usr/bin:/bin exec sh -c "$last"
"""


def _container(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"id-{name}",
        "name": name,
        "attempt": 0,
        "state": "running",
        "image": "quay.io/org/app:1",
        "imageRef": "sha256:" + "ab" * 32,
        "createdAt": 1700000000.5,
        "labels": {},
        "annotations": {},
        **more,
    }


def _pod(name: str, *containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "namespace": "shop",
        "name": name,
        "uid": f"uid-{name}",
        "id": f"id-{name}",
        "attempt": 0,
        "state": "ready",
        "createdAt": 1700000000.0,
        "runtimeHandler": "",
        "ips": ["10.0.0.1"],
        "labels": {"app": name},
        "annotations": {},
        "containers": containers,
        **more,
    }


WEB = _pod("web", _container("app", attempt=2), _container("init", state="exited"))
DNS = _pod("dns", _container("dns", image="sha256:" + "0123456789abcdef" * 4), namespace="kube-system")
SLOW = "#!/bin/sh\nexec sleep 60\n"


class Sources:
    """Inventory files in a folder, and what Ansible makes of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.errors = ""
        self.program("ssh", SSH.format(folder=folder))

    def program(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def answering(self, name: str, *pods: Mapping[str, Any]) -> str:
        answer = json.dumps({"endpoint": "unix:///run/x.sock", "pods": pods})
        return self.program(name, f"#!/bin/sh\necho \"$@\" >>{self.folder}/{name}.log\ncat <<'EOF'\n{answer}\nEOF\n")

    def file(self, name: str, content: Any) -> Path:
        path = self.folder / name
        path.write_text(yaml.safe_dump(content))
        return path

    def read(self, **options: Any) -> dict[str, Any]:
        """Hosts with their variables, and `_groups`. Fails where no source could be parsed."""
        nodes = self.folder / "nodes.yml"
        source = self.file("pods.cri.yml", {"plugin": "kubenode.node.cri", **options})
        inventories = [f"--inventory={path}" for path in (nodes, source) if path.exists()]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("KUBENODE", "ANSIBLE"))
        }
        done = subprocess.run(
            [Path(sys.executable).parent / "ansible-inventory", *inventories, "--list", "--export"],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={
                **environment,
                "ANSIBLE_CONFIG": str(collection.ROOT / "ansible.cfg"),
                "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
                "ANSIBLE_INVENTORY_ENABLED": "kubenode.node.cri,yaml",
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_SSH_EXECUTABLE": str(self.folder / "ssh"),
                "COLUMNS": "10000",
            },
        )
        self.errors = done.stderr
        if done.returncode:
            return {}
        found = _plain(json.loads(done.stdout))
        hosts = dict(found.pop("_meta")["hostvars"])
        hosts["_groups"] = {name: group.get("hosts", []) for name, group in found.items()}
        return hosts

    def names(self, program: str, sources: list[dict[str, Any]]) -> list[Any]:
        """Of each source the names of its hosts, or the error."""
        paths = [
            self.file(f"{n}.cri.yml", {"plugin": "kubenode.node.cri", "executable": program, **options})
            for n, options in enumerate(sources)
        ]
        found: list[Any] = json.loads(self._run(sys.executable, "-c", MANY, *paths).stdout)
        return found

    def _run(self, *line: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("KUBENODE", "ANSIBLE"))
        }
        settings = {
            "ANSIBLE_CONFIG": str(collection.ROOT / "ansible.cfg"),
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
            "ANSIBLE_INVENTORY_ENABLED": "kubenode.node.cri,yaml",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_SSH_EXECUTABLE": str(self.folder / "ssh"),
            "COLUMNS": "10000",
        }
        done = subprocess.run(
            line, check=False, capture_output=True, text=True, cwd=self.folder, env=environment | settings
        )
        self.errors = done.stderr
        return done


# One process for many sources: the names of their hosts, or why they cannot be read.
MANY = """
import json, sys
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader

init_plugin_loader()
found = []
for source in sys.argv[1:]:
    try:
        found.append(sorted(InventoryManager(DataLoader(), [source]).hosts))
    except AnsibleError as error:
        found.append(str(error))
print(json.dumps(found))
"""


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return value.get("__ansible_unsafe") or {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path)


def test_containers_with_their_variables_and_groups(sources: Sources) -> None:
    program = sources.answering("kubenode", WEB, DNS)
    found = sources.read(
        executable=program,
        compose={"next": "cri_attempt + 1"},
        groups={"restarted": "cri_attempt > 0"},
        keyed_groups=[{"key": "cri_labels.app", "prefix": "app"}],
    )
    groups = found.pop("_groups")
    assert found.keys() == {"shop_web_app", "kube-system_dns_dns"}
    app = found["shop_web_app"]
    assert {name: value for name, value in app.items() if name.startswith("ansible_c") or name == "ansible_host"} == {
        "ansible_connection": "kubenode.node.cri",
        "ansible_host": "shop/web/app",
        "ansible_cri_executable": program,
    }
    assert {name: value for name, value in app.items() if name.startswith("cri_")} == {
        "cri_node": "localhost",
        "cri_namespace": "shop",
        "cri_pod": "web",
        "cri_pod_id": "id-web",
        "cri_pod_uid": "uid-web",
        "cri_pod_ips": ["10.0.0.1"],
        "cri_runtime_handler": {"__ansible_unsafe": ""},
        "cri_container": "app",
        "cri_container_id": "id-app",
        "cri_image": "quay.io/org/app:1",
        "cri_image_ref": "sha256:" + "ab" * 32,
        "cri_state": "running",
        "cri_attempt": 2,
        "cri_created_at": "2023-11-14T22:13:20Z",
        "cri_labels": {"app": "web"},
        "cri_annotations": {},
    }
    assert app["next"] == 3
    assert groups["cri"] == ["shop_web_app", "kube-system_dns_dns"]
    assert groups["restarted"] == groups["app_web"] == groups["cri_namespace_shop"] == ["shop_web_app"]
    assert groups["cri_pod_shop_web"] == groups["cri_image_quay_io_org_app"] == ["shop_web_app"]
    assert groups["cri_image_0123456789ab"] == groups["cri_namespace_kube_system"] == ["kube-system_dns_dns"]
    assert groups["cri_node_localhost"] == groups["cri"]


CHOICES: list[tuple[dict[str, Any], set[str]]] = [
    ({"states": ["exited"]}, {"shop_web_init"}),
    ({"states": ["exited", "running"], "namespaces": ["sh?p"]}, {"shop_web_init", "shop_web_app"}),
    ({"pods": ["d*"]}, {"kube-system_dns_dns"}),
    ({"containers": ["app", "other"]}, {"shop_web_app"}),
    ({"labels": {"app": "dns"}}, {"kube-system_dns_dns"}),
    ({"labels": {"app": None}}, {"shop_web_app", "kube-system_dns_dns"}),
    ({"labels": {"none": None}}, set()),
    ({"filters": [{"exclude": "cri_attempt > 1"}]}, {"kube-system_dns_dns"}),
    ({"filters": [{"include": "cri_pod == 'web'"}, {"exclude": True}]}, {"shop_web_app"}),
    ({"hostname": "cri_container ~ '.' ~ cri_pod"}, {"app.web", "dns.dns"}),
    ({"host_unit": "pod"}, {"shop_web", "kube-system_dns"}),
    ({"host_unit": "pod", "containers": ["init"]}, {"shop_web"}),
]


def test_what_is_taken(sources: Sources) -> None:
    program = sources.answering("kubenode", WEB, DNS)
    found = sources.names(program, [options for options, _ in CHOICES])
    assert found == [sorted(hosts) for _, hosts in CHOICES]


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"hostname": "cri_node"},
        "hostname gives localhost for shop/web/app on localhost, and for others: make it differ.",
    ),
    ({"hostname": "cri_none"}, "hostname: cri_none cannot be evaluated for shop/web/app: 'cri_none' is undefined"),
    ({"filters": [{"include": "cri_pod"}]}, "filters: cri_pod is 'web' for shop/web/app: write a condition"),
    ({"filters": [{"only": "true"}]}, "A filter has either include or exclude, and not only."),
    ({"states": ["gone"]}, "'gone'"),
]


def test_refused(sources: Sources) -> None:
    program = sources.answering("kubenode", WEB, DNS)
    found = sources.names(program, [options for options, _ in REFUSED])
    assert [one for one in found if isinstance(one, list)] == []
    assert [why for _, why in REFUSED if why not in sources.errors] == []
    assert "Traceback" not in sources.errors


def test_a_host_that_is_there_is_not_taken_over(sources: Sources) -> None:
    sources.file("nodes.yml", {"all": {"hosts": {"app": {}}}})
    found = sources.read(executable=sources.answering("kubenode", WEB), hostname="cri_container")
    assert found == {}
    assert "hostname gives app, which is another host already: make it differ." in sources.errors


def test_a_label_is_no_template(sources: Sources) -> None:
    pod = _pod("web", _container("app"), labels={"app": "{{ 1 + 1 }}"})
    found = sources.read(executable=sources.answering("kubenode", pod), compose={"seen": "cri_labels.app"})
    assert found["shop_web_app"]["seen"] == "{{ 1 + 1 }}"


def test_nodes_of_the_inventory_over_ssh(sources: Sources) -> None:
    sources.answering("10.1.1.1/kubenode", WEB)
    sources.answering("node-2/kubenode", WEB, DNS)
    sources.program("node-2/sudo", '#!/bin/sh\n[ "$1" = -n ] && shift && exec "$@"\n')
    of_one = {"ansible_host": "10.1.1.1", "ansible_port": 2222, "other": "x", "who": "admin"}
    of_group = {"ansible_user": "{{ who | default('root') }}"}
    sources.file(
        "nodes.yml", {"nodes": {"hosts": {"node-1": of_one, "node-2": {"ansible_cri_sudo": True}}, "vars": of_group}}
    )
    found = sources.read(nodes=["nodes"], node_vars={"ansible_port": 22}, runtime_endpoint="unix:///r'un.sock")
    groups = found.pop("_groups")
    assert found.keys() == {"node-1", "node-2", "shop_web_app_node-1", "shop_web_app_node-2", "kube-system_dns_dns"}
    ways = [
        {name: value for name, value in found[host].items() if name.startswith("ansible_") and name != "ansible_local"}
        for host in ("shop_web_app_node-1", "kube-system_dns_dns")
    ]
    assert ways == [
        {
            "ansible_connection": "kubenode.node.cri",
            "ansible_host": "shop/web/app",
            "ansible_cri_node": "10.1.1.1",
            "ansible_cri_runtime_endpoint": "unix:///r'un.sock",
            "ansible_port": 2222,
            "ansible_user": "admin",
        },
        {
            "ansible_connection": "kubenode.node.cri",
            "ansible_host": "kube-system/dns/dns",
            "ansible_cri_node": "node-2",
            "ansible_cri_runtime_endpoint": "unix:///r'un.sock",
            "ansible_cri_sudo": True,
            "ansible_port": 22,
            "ansible_user": "root",
        },
    ]
    assert groups["cri_node_node_2"] == ["shop_web_app_node-2", "kube-system_dns_dns"]
    said = (sources.folder / "node-2/kubenode.log").read_text()
    assert said == "containers --output json --runtime-endpoint unix:///r'un.sock\n"
    assert "Port=2222" in (sources.folder / "ssh.log").read_text()


def test_nodes_that_do_not_answer(sources: Sources) -> None:
    sources.answering("good/kubenode", WEB)
    sources.program("broken/kubenode", "#!/bin/sh\necho 'kubenode: The runtime is away.' >&2\nexit 3\n")
    sources.program("strange/kubenode", "#!/bin/sh\necho hello\n")
    nodes = ["stuck", "away", "broken", "strange", "bare", "good"]
    began = time.monotonic()
    found = sources.read(nodes=nodes, timeout=2)
    assert time.monotonic() - began < 20
    assert found.keys() - {"_groups"} == {"shop_web_app"}
    warned = "Left out of the inventory, as it does not answer: "
    assert f"{warned}stuck: it did not answer within 2 s" in sources.errors
    assert f"{warned}broken: The runtime is away." in sources.errors
    assert f"{warned}strange: it answered with something else than a list: hello" in sources.errors
    assert f"{warned}bare: There is no kubenode on bare. Apply the role" in sources.errors
    assert f"{warned}away: " in sources.errors
    assert sources.read(nodes=["broken", "good"], ignore_unreachable=False) == {}
    assert "Nodes do not answer. broken: The runtime is away." in sources.errors


def test_this_machine_has_its_time_too(sources: Sources) -> None:
    assert sources.read(executable=sources.program("kubenode", SLOW), timeout=1) == {}
    assert "Nodes do not answer. localhost: it did not answer within 1 s" in sources.errors


def test_the_cache_keeps_what_nodes_answered(sources: Sources) -> None:
    sources.answering("good/kubenode", WEB)
    cache = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(sources.folder / "cache"),
    }
    first = sources.read(nodes=["good", "away"], **cache)
    sources.answering("away/kubenode", DNS)
    sources.program("ssh", SSH.format(folder=sources.folder).replace("away*)", "good*)"))
    second = sources.read(nodes=["good", "away"], **cache)
    assert first.keys() - {"_groups"} == {"shop_web_app"}
    assert second.keys() - {"_groups"} == {"shop_web_app", "kube-system_dns_dns"}


def test_only_files_of_its_name_are_read(sources: Sources) -> None:
    sources.file("nodes.yml", {"plugin": "kubenode.node.cri", "executable": sources.answering("kubenode", WEB)})
    assert sources.read() == {}
    assert "nodes.yml" in sources.errors
