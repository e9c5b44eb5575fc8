"""What a task costs that has nothing to do, module by module: `python tests/bench/modules.py`, as root.

Each module is given real work once, on a containerd, CNI plugins, a registry and a CSI driver of its own, and is then
asked for the same again and again. Beside it runs ansible.builtin.ping: what any task costs. At last, images in one
task against a task an image.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from integration.services import Surroundings, surroundings  # noqa: E402, the paths come first

PUSH = ROOT / "tests" / "integration" / "targets" / "cri_image" / "files" / "push.py"
ANSIBLE_PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
OURS = "kubenode.node."
BASE = "ansible.builtin.ping"
Task = tuple[str, dict[str, Any]]

# In the bench's own namespaces; links to logs would be left on the host.
SET_UP = (["ip", "netns", "add", "bench"], ["mount", "-t", "tmpfs", "tmpfs", "/var/log"])

NETWORK = {
    "cniVersion": "1.0.0",
    "name": "bench",
    "plugins": [
        {
            "type": "bridge",
            "bridge": "kn-bench",
            "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.98.0.0/24"}]]},
        }
    ],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("-n", type=int, default=5, help="how often each task is repeated")
    parser.add_argument("--images", type=int, default=20, help="how many images")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="kubenode-bench-") as folder,
        surroundings(["containerd", "registry", "csi"], Path(folder)) as around,
    ):
        digests = _push(around)
        times = _play(around, list(_plays(around, options.n, options.images, sorted(digests))))
    base = statistics.median(times[BASE])
    print(f"{'task':<44} {'median s':>9} {'over ping':>9}")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        print(f"{name:<44} {median:9.2f} {median - base:9.2f}")
    return 0


def _push(around: Surroundings) -> dict[str, str]:
    registry = around.variables["test_registry"]
    command = [*around.prefix, sys.executable, str(PUSH), registry["address"], registry["private"]]
    told: dict[str, str] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told


def _plays(around: Surroundings, repeat: int, images: int, names: list[str]) -> Iterator[dict[str, Any]]:
    """Each task once to do its work, then `repeat` times to find it done; `images` in one task and in many."""
    tasks = list(_tasks(around))
    address = around.variables["test_registry"]["address"]
    many = [f"{address}/{name}" for name in names if name.startswith("many/")][:images]
    yield {
        "name": "set up",
        "tasks": [{"name": "set up", "ansible.builtin.command": {"argv": argv}} for argv in SET_UP],
    }
    yield {
        "name": "first",
        "tasks": [{"name": f"{OURS}{module}, first", OURS + module: args} for module, args in tasks],
    }
    again = [{"name": OURS + module, OURS + module: args} for module, args in tasks]
    yield {"name": "again", "tasks": [*({"name": BASE, BASE: {}} for _ in range(repeat)), *(again * repeat)]}
    yield {"name": "images", "tasks": list(_image_tasks(many))}


def _image_tasks(many: list[str]) -> Iterator[dict[str, Any]]:
    module = f"{OURS}cri_image"
    loop = {module: {"name": "{{ item }}"}, "loop": many, "loop_control": {"label": "{{ item }}"}}
    yield {"name": f"{len(many)} images, one task, to pull", module: {"name": many}}
    yield {"name": f"{len(many)} images, one task, here", module: {"name": many}}
    yield {"name": f"{len(many)} images, one task, asked for", module: {"name": many, "pull_policy": "Always"}}
    yield {"name": f"{len(many)} images, a task each, here", **loop}


def _tasks(around: Surroundings) -> Iterator[Task]:
    containerd, registry = around.variables["test_containerd"], around.variables["test_registry"]
    work, csi = around.variables["test_directory"], {"endpoint": around.variables["test_csi"]["endpoint"]}
    config = f"{work}/config.yaml"
    manifests = f"{work}/manifests"
    Path(manifests).mkdir()
    Path(config).write_text(
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
        f"staticPodPath: {manifests}\ncontainerRuntimeEndpoint: {containerd['endpoint']}\n"
    )
    yield "cri_info", {}
    yield "cri_image", {"name": f"{registry['address']}/web:1", "pull_policy": "Always"}
    yield "cri_image_info", {}
    pod_places = {"cgroup_parent": f"{containerd['cgroup_root']}/bench", "log_directory": f"{work}/logs"}
    yield "cri_pod", {"name": "bench", **pod_places}
    sleeper = {"name": "sleeper", "image": containerd["busybox"], "command": ["sleep", "3600"]}
    yield "cri_container", {"pod": "bench", "containers": [sleeper]}
    yield "cri_pod_info", {}
    yield "cri_container_info", {}
    yield "cri_exec", {"pod": "bench", "argv": ["true"]}
    yield "cri_stats_info", {}
    yield "cri_prune", {"containers": True, "pods": True}
    yield "csi_info", csi
    yield "csi_volume", {**csi, "name": "bench", "size": "1Mi"}
    yield "csi_volume_info", csi
    yield "csi_snapshot", {**csi, "name": "bench", "source_volume": "bench"}
    yield "csi_attachment", {**csi, "name": "bench"}
    yield "csi_mount", {**csi, "name": "bench", "target_path": f"{work}/mounted"}
    yield "cni_config", {"definition": NETWORK, "bin_dirs": ["/usr/lib/cni"]}
    attachment = {"network": "bench", "container_id": "bench", "netns": "bench", "bin_dirs": ["/usr/lib/cni"]}
    yield "cni_attachment", attachment
    yield "cni_info", {"bin_dirs": ["/usr/lib/cni"]}
    yield "cni_gc", {"networks": ["bench"], "bin_dirs": ["/usr/lib/cni"]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bench"},
        "spec": {"containers": [{"name": "main", "image": containerd["busybox"]}]},
    }
    yield "static_pod", {"definition": pod, "path": manifests, "config": config}
    yield "static_pod_info", {"path": manifests, "config": config}
    yield "kubelet_config", {"path": config, "config": {"maxPods": 50}}
    yield "node_sync", {"config": config}
    yield "node_health", {"config": config, "fail_on": "never"}


def _play(around: Surroundings, plays: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Seconds of each task by its name. Raises CalledProcessError where a task failed."""
    containerd = {"runtime_endpoint": around.variables["test_containerd"]["endpoint"]}
    defaults = {f"{OURS}{name}": containerd for name in _of_the_runtime()}
    common = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "module_defaults": defaults,
        "vars": {"ansible_python_interpreter": sys.executable},
    }
    playbook, told = around.folder / "bench.json", around.folder / "times"
    playbook.write_text(json.dumps([{**common, **play} for play in plays]))
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "bench" / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "timed",
        "BENCH_TIMES": str(told),
    }
    command = [*around.prefix, str(ANSIBLE_PLAYBOOK), "-i", "localhost,", str(playbook)]
    done = subprocess.run(
        command, check=False, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stdout[-4000:] + done.stderr[-2000:])
    times: dict[str, list[float]] = defaultdict(list)
    for line in told.read_text().splitlines():
        task = json.loads(line)
        if not task["task"].endswith((", first", "set up")):
            times[task["task"]].append(task["seconds"])
    return times


def _of_the_runtime() -> list[str]:
    return [path.stem for path in (ROOT / "plugins" / "modules").glob("cri_*.py")] + ["cni_gc"]


if __name__ == "__main__":
    sys.exit(main())
