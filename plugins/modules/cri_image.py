#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: cri_image
short_description: Pulls, pins and removes images of a container runtime
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Sees to it that a node holds images, or does not, through the CRI of its container runtime.
  - Of a tag that may have moved, the registry is asked for the digest first. It is pulled only when that differs from
    the one on the node.
  - A list of images is one task and one process; they are pulled side by side. When some fail, the others are done all
    the same, and the task fails with the results of all.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
  - kubenode.node.cri
  - kubenode.node.pull
options:
  name:
    description:
      - The images, like V(registry.example/web:1.2) or V(registry.example/web@sha256:…).
      - What is left out is completed as everywhere, V(busybox) is V(docker.io/library/busybox:latest).
      - With O(state=absent) also images' IDs.
    type: list
    elements: str
    required: true
    aliases: [names]
  state:
    description: Whether the images should be there.
    type: str
    choices: [present, absent]
    default: present
  pull_policy:
    description:
      - When an image is pulled, in Kubernetes' words. V(IfNotPresent) pulls what is missing, V(Never) fails when it is.
      - V(Always) keeps the image as it is in the registry.
      - By default V(Always) for the tag C(latest), and V(IfNotPresent) for all else.
    type: str
    choices: [Always, IfNotPresent, Never]
  pinned:
    description:
      - Whether the images are kept when others are collected as garbage. Left out, pins stay as they are.
      - CRI has no call for it, so this needs containerd.
      - What CRI tells of a new pin depends on containerd's version; M(kubenode.node.cri_prune) heeds it in any case.
    type: bool
  all_tags:
    description:
      - With O(state=absent), remove the image with all the names that it has. Otherwise a name goes alone while the
        image has other tags, which needs containerd or CRI-O.
    type: bool
    default: false
  force:
    description:
      - With O(state=absent), also remove images that are pinned, or from which there are containers.
      - What runs goes on, but a container that is to start again needs its image.
    type: bool
    default: false
  max_parallel_pulls:
    description: How many images are pulled at once.
    type: int
    default: 4
notes:
  - Registries are asked at the addresses that containerd's C(hosts.toml) files say, with their certificates, and with
    the proxy of the environment. Where that fails, the runtime pulls all the same, and nothing has changed when it
    brings the same digest; in check mode a warning says that it could not be told.
  - In check mode the registry is also asked about images that are missing, so that a wrong name or login shows before.
"""

EXAMPLES = r"""
- name: Have the images of a release on the node before its pods need them
  kubenode.node.cri_image:
    name:
      - registry.example/web:1.2
      - registry.example/worker:1.2

- name: Keep up with a tag that moves, with a login
  kubenode.node.cri_image:
    name: registry.example/web:stable
    pull_policy: Always
    credentials:
      - username: node
        password: "{{ registry_password }}"

- name: Never collect the sandbox image as garbage
  kubenode.node.cri_image:
    name: registry.k8s.io/pause:3.10
    pinned: true

- name: Pull with the secrets of a pod
  kubenode.node.cri_image:
    name: registry.example/team/app@sha256:7b1c1c1bb44ea6a2a0a3cfbe3be3a4b2f67d1b3b8f4e6d2b1f3c5d7e9fa0b1c2
    pull_secrets:
      - "{{ lookup('ansible.builtin.file', 'pull-secret.yaml') | from_yaml }}"

- name: Remove a tag; the image stays while it has another
  kubenode.node.cri_image:
    name: registry.example/web:1.1
    state: absent

- name: Remove an image with all of its tags
  kubenode.node.cri_image:
    name: registry.example/web:1.0
    state: absent
    all_tags: true
"""

RETURN = r"""
images:
  description: Each of O(name) as it is on the node in the end; in check mode, as it is now.
  returned: when the runtime could be asked
  type: list
  elements: dict
  contains:
    name:
      description: The name as it was given.
      returned: always
      type: str
      sample: registry.example/web:1.2
    present:
      description: Whether the node holds it.
      returned: always
      type: bool
      sample: true
    id:
      description: The image's ID.
      returned: when it is present
      type: str
      sample: sha256:3f57d9401f8d42f986df300f0c69192fc41da28ccc8d797829467780db3dd741
    tags:
      description: All tags of the image, complete.
      returned: when it is present
      type: list
      elements: str
      sample: ["registry.example/web:1.2", "registry.example/web:stable"]
    digests:
      description: Its digests in the repositories that it came from.
      returned: when it is present
      type: list
      elements: str
      sample: ["registry.example/web@sha256:9e2bbca079387d7965c3a9cee6d0c53f4f4e63ff7637877a83c4c05f2a666112"]
    size:
      description: Bytes, as the runtime tells them.
      returned: when it is present
      type: int
      sample: 2224229
    pinned:
      description: Whether it is kept from being collected as garbage.
      returned: when it is present
      type: bool
      sample: false
    user:
      description: The user that its containers run as unless told otherwise, by number or name. Empty is root.
      returned: when it is present
      type: str
      sample: "65534"
    used_by:
      description: The containers that were made from it, of any state.
      returned: when it is present
      type: list
      elements: str
      sample: ["default/web-node-1/httpd"]
    registry_problem:
      description: Why the registry did not tell the digest.
      returned: when it was asked and did not
      type: str
      sample: the registry has no such repository or tag
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
      sample: pull image registry.example/web:1.2
    why:
      description: The reason.
      returned: always
      type: str
      sample: the image is not on the node
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CRI_OPTIONS, PULL_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CRI_OPTIONS,
            **PULL_OPTIONS,
            "name": {"type": "list", "elements": "str", "required": True, "aliases": ["names"]},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "pull_policy": {"type": "str", "choices": ["Always", "IfNotPresent", "Never"]},
            "pinned": {"type": "bool"},
            "all_tags": {"type": "bool", "default": False},
            "force": {"type": "bool", "default": False},
            "max_parallel_pulls": {"type": "int", "default": 4},
        },
        supports_check_mode=True,
    )
    run_resource(module, "cri_image")


if __name__ == "__main__":
    main()
