#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: static_pod
short_description: Puts a static pod onto a node, or takes it away
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Writes a pod's manifest into the directory that the node agent, or the kubelet, runs static pods from.
  - The manifest is validated by the very code that the agent reads it with, before anything is written.
  - Manifests are compared by meaning, and a file that differs in layout or comments only is left alone.
  - The file appears whole or not at all, and nothing else appears in the directory, since a kubelet runs every file.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
options:
  state:
    description: Whether the manifest should be there.
    type: str
    choices: [present, absent]
    default: present
  definition:
    description: The pod, as a dictionary. The file gets a canonical layout.
    type: dict
  content:
    description: The pod, as YAML or JSON text that is written as it stands. Errors name a line of it.
    type: str
  name:
    description:
      - The name of the manifest's file, without C(.yaml).
      - By default C(metadata.name), with C(metadata.namespace) and an underscore before it outside of the namespace
        V(default).
    type: str
  path:
    description:
      - The directory of manifests.
      - By default the one that a kubelet which runs on the node takes pods from, by its flags and its configuration;
        else the C(staticPodPath) of O(config), or of the kubelet's file C(/var/lib/kubelet/config.yaml); else
        C(/etc/kubernetes/manifests).
    type: path
  mode:
    description:
      - The permissions of the file, in octal and in quotes. Manifests often hold secrets.
      - Whoever can write a manifest is root on the node, so nobody but the owner may get that right.
    type: str
    default: "0600"
  backup:
    description: Whether to keep a copy of the file that is replaced or removed, in O(backup_path).
    type: bool
    default: false
  backup_path:
    description:
      - The directory for copies, made for root alone if need be. It cannot be in the directory of manifests, where a
        kubelet would run the copy as a second pod.
      - Copies are not removed.
    type: path
    default: /var/backups/kubenode/manifests
  wait:
    description:
      - V(running) waits until all containers of this version of the pod run, or have done their work; V(ready) until
        they are ready too. With O(state=absent) either waits until nothing is left of the pod.
      - The task fails as soon as it is certain that this will not come, with the reason, as when the image is refused
        by its registry or could not be had twice, a container ended in failure twice, or the node refuses the pod.
      - With the kubenode agent its reports tell. Beside a kubelet the container runtime does. There V(ready) asks the
        pod's startup and readiness probes from the node itself, and a failed pull of an image is seen only as a
        container that does not come.
    type: str
    choices: [none, running, ready]
    default: none
  wait_timeout:
    description: How many seconds to wait at most.
    type: int
    default: 120
  config:
    description:
      - The agent's configuration file, which must be there then.
      - By default C(/etc/kubenode/config.yaml), if that is there.
    type: path
  runtime_endpoint:
    description:
      - The container runtime's socket, like V(unix:///run/containerd/containerd.sock), for waiting beside a kubelet.
      - By default that of the kubelet, else of O(config), else the first of those of containerd, CRI-O and cri-dockerd
        on which somebody listens.
      - The environment variable E(CONTAINER_RUNTIME_ENDPOINT) is used where this is not set.
    type: str
notes:
  - The difference that C(--diff) shows holds the whole manifest, with the values of environment variables. Set
    C(no_log) or C(diff) on the task where these are secret.
  - In check mode on a node that does not have the library yet the manifest is not validated; the module warns.
  - Another file of the directory that gives the same pod, by namespace and name, is an error that names it.
seealso:
  - module: kubenode.node.static_pod_info
  - module: kubenode.node.node_sync
"""

EXAMPLES = r"""
- name: Run a web server
  kubenode.node.static_pod:
    definition:
      apiVersion: v1
      kind: Pod
      metadata:
        name: web
      spec:
        containers:
          - name: nginx
            image: nginx:1.29
            ports:
              - containerPort: 80
                hostPort: 80
    wait: running

- name: Run a pod from a template, and be sure that it serves
  kubenode.node.static_pod:
    content: "{{ lookup('ansible.builtin.template', 'proxy.yaml.j2') }}"
    wait: ready
    wait_timeout: 60

# The kubelet's own directory is found, and the file of kubeadm is called as the pod is.
- name: Change etcd's manifest beside a kubelet, and keep the old one
  kubenode.node.static_pod:
    content: "{{ lookup('ansible.builtin.file', 'etcd.yaml') }}"
    name: etcd
    backup: true
    wait: ready
  register: etcd

- name: Stop the web server, and wait until it is gone
  kubenode.node.static_pod:
    name: web
    state: absent
    wait: running
"""

RETURN = r"""
path:
  description: The manifest's file.
  returned: success
  type: str
  sample: /etc/kubernetes/manifests/web.yaml
actions:
  description: What was done; in check mode what would be.
  returned: when something changed, or would
  type: list
  elements: dict
  contains:
    action:
      description: The step.
      returned: always
      type: str
      sample: write /etc/kubernetes/manifests/web.yaml
    why:
      description: The reason for it.
      returned: always
      type: str
      sample: it differs in spec.containers[0].image
mirror_pod:
  description:
    - What the pod is called on its node. In a cluster the API server shows it, as the mirror pod, under this name.
  returned: when the manifest, or the one that goes, is a pod's, and the library is on the node
  type: dict
  contains:
    namespace:
      description: The namespace.
      returned: always
      type: str
      sample: default
    name:
      description: The name in the manifest, a dash, and the node's name.
      returned: always
      type: str
      sample: web-node-1
backup_file:
  description: The copy of the file that was replaced or removed.
  returned: with O(backup=true), when a file was replaced or removed
  type: str
  sample: /var/backups/kubenode/manifests/web.yaml.2026-11-25T102240Z
line:
  description: The line of the manifest that an error is about, from 1.
  returned: when a manifest was refused and the reason has a place in it
  type: int
  sample: 7
pod:
  description:
    - The pod as the agent reports it; beside a kubelet as the runtime shows it.
    - RV(kubenode.node.static_pod_info#module:manifests[].status) names the parts of it.
  returned: with O(state=present) and O(wait) other than V(none), outside of check mode
  type: dict
  sample:
    namespace: default
    name: web-node-1
    phase: Running
    ready: 1
    ips: [10.85.0.3]
"""

import json
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CRI_OPTIONS, library, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "definition": {"type": "dict"},
            "content": {"type": "str"},
            "name": {"type": "str"},
            "path": {"type": "path"},
            "mode": {"type": "str", "default": "0600"},
            "backup": {"type": "bool", "default": False},
            "backup_path": {"type": "path", "default": "/var/backups/kubenode/manifests"},
            "wait": {"type": "str", "choices": ["none", "running", "ready"], "default": "none"},
            "wait_timeout": {"type": "int", "default": 120},
            "config": {"type": "path"},
            "runtime_endpoint": CRI_OPTIONS["runtime_endpoint"],
        },
        mutually_exclusive=[["definition", "content"]],
        required_if=[
            ["state", "present", ["definition", "content"], True],
            ["state", "absent", ["definition", "content", "name"], True],
        ],
        supports_check_mode=True,
    )
    if library(module, "kubenode.resources.entry") is None:
        module.warn("What would change is told without validating the manifest.")
        module.exit_json(**unvalidated(module.params))
    run_resource(module, "static_pod")


def unvalidated(params: dict[str, Any]) -> dict[str, Any]:
    """What check mode can tell on a node without the library: whether a file of this name holds this text."""
    name = params["name"] or ((params["definition"] or {}).get("metadata") or {}).get("name") or "pod"
    path = Path(params["path"] or "/etc/kubernetes/manifests", f"{name}.yaml")
    before = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    after = params["content"] or json.dumps(params["definition"], indent=2)
    if params["state"] == "absent":
        after = ""
    difference = {"before_header": str(path), "after_header": str(path), "before": before, "after": after}
    return {"changed": before != after, "path": str(path), "diff": difference}


if __name__ == "__main__":
    main()
