#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: cri_prune
short_description: Removes what a container runtime no longer needs
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Removes ended containers, stopped sandboxes and unused images, through the CRI of the container runtime.
  - Check mode tells exactly what would be removed, and how many bytes that is.
  - What runs is never touched, nor are pinned images and the runtime's sandbox image. Of a pod that the node agent or a
    kubelet keeps, the last runs of each container stay, and so does its last sandbox; what is removed of it is what the
    kubelet's own garbage collection would remove.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
  - kubenode.node.cri
options:
  containers:
    description: Remove ended containers, with their logs.
    type: bool
    default: false
  pods:
    description: Remove sandboxes that have stopped, with the ended containers in them.
    type: bool
    default: false
  images:
    description:
      - Remove images that no container was made from, V(dangling) only those without a tag, V(unused) all.
      - Containers that this task removes do not count.
    type: str
    choices: [none, dangling, unused]
    default: none
  older_than:
    description:
      - Only what ended, stopped or came at least this long ago, like V(90m) or V(24h). For a sandbox its making counts.
      - An image whose age is not known is kept, unless this is V(0s). Ages of images are known of containerd.
    type: str
    default: 0s
  namespaces:
    description: Only containers and sandboxes of pods in these namespaces. Images have none.
    type: list
    elements: str
  labels:
    description: Only containers and sandboxes of pods with all of these labels.
    type: dict
  keep_images:
    description: Images that stay, by patterns with V(*), V(?) and V([abc]) for their names, complete or short.
    type: list
    elements: str
  keep_per_container:
    description: How many ended runs of a container stay, in pods that an agent or a kubelet keeps.
    type: int
    default: 1
  log_links:
    description: The directory of links to logs, in which those of removed containers go as well.
    type: path
    default: /var/log/containers
notes:
  - The runtime frees space in its own time, after the task.
"""

EXAMPLES = r"""
- name: See what could go, and how much that is
  kubenode.node.cri_prune:
    containers: true
    pods: true
    images: unused
    older_than: 24h
  check_mode: true
  register: garbage

- name: Tell it
  ansible.builtin.debug:
    msg: "{{ garbage.removed | length }} objects of {{ garbage.bytes | human_readable }}"

- name: Remove unused images, but for those of the release
  kubenode.node.cri_prune:
    images: unused
    keep_images:
      - registry.example/release/*
"""

RETURN = r"""
removed:
  description: All that was removed, or would be, in order.
  returned: when the runtime could be asked
  type: list
  elements: dict
  contains:
    kind:
      description: What it is, V(container), V(pod) for a sandbox, or V(image).
      returned: always
      type: str
      sample: image
    name:
      description: Of a container its pod and name, of a sandbox its pod, of an image one of its names.
      returned: always
      type: str
      sample: registry.example/web:1.1
    id:
      description: Its ID.
      returned: always
      type: str
      sample: sha256:3f57d9401f8d42f986df300f0c69192fc41da28ccc8d797829467780db3dd741
    size:
      description: Bytes that go with it. Of an image as the runtime tells them, of a container those of its logs.
      returned: always
      type: int
      sample: 2224229
bytes:
  description: The sizes of all that together.
  returned: when the runtime could be asked
  type: int
  sample: 2224229
actions:
  description: What was done, or would be, in order.
  returned: when something changed, or would
  type: list
  elements: dict
  contains:
    action:
      description: What is done, to which object.
      returned: always
      type: str
      sample: remove image registry.example/web:1.1 3f57d9401f8d4
    why:
      description: The reason.
      returned: always
      type: str
      sample: no container was made from it
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CRI_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CRI_OPTIONS,
            "containers": {"type": "bool", "default": False},
            "pods": {"type": "bool", "default": False},
            "images": {"type": "str", "choices": ["none", "dangling", "unused"], "default": "none"},
            "older_than": {"type": "str", "default": "0s"},
            "namespaces": {"type": "list", "elements": "str"},
            "labels": {"type": "dict"},
            "keep_images": {"type": "list", "elements": "str"},
            "keep_per_container": {"type": "int", "default": 1},
            "log_links": {"type": "path", "default": "/var/log/containers"},
        },
        supports_check_mode=True,
    )
    run_resource(module, "cri_prune")


if __name__ == "__main__":
    main()
