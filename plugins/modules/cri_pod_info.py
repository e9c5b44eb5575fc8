#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: cri_pod_info
short_description: Tells of the sandboxes of a container runtime
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Tells of all sandboxes that the container runtime holds, whoever made them, or of those that all filters fit.
  - It asks for one list, and then for each sandbox that fits, several at once.
extends_documentation_fragment:
  - kubenode.node.attributes.info
  - kubenode.node.attributes.library
  - kubenode.node.cri
options:
  name:
    description: Names of pods, or patterns with C(*) and C(?). One that fits is enough.
    type: list
    elements: str
    default: []
    aliases: [names]
  namespace:
    description: Namespaces of pods, or patterns.
    type: list
    elements: str
    default: []
  ids:
    description: Ids, or their beginnings.
    type: list
    elements: str
    default: []
  labels:
    description: Labels that have to be there, all of them.
    type: dict
    default: {}
  state:
    description: The state that they have to be in. By default any.
    type: str
    choices: [ready, notready]
  verbose:
    description: Whether to return what the runtime adds, in its own form, as RV(pods[].info).
    type: bool
    default: false
seealso:
  - module: kubenode.node.cri_pod
  - module: kubenode.node.cri_container_info
"""

EXAMPLES = r"""
- name: Look at all sandboxes
  kubenode.node.cri_pod_info:
  register: sandboxes

- name: Find the pods of two namespaces that do not run any more
  kubenode.node.cri_pod_info:
    namespace: [shop, "test-*"]
    state: notready
  register: dead

- name: Find the address of one
  kubenode.node.cri_pod_info:
    name: web
    namespace: default
    state: ready
  register: web

- name: Ask its server
  ansible.builtin.uri:
    url: "http://{{ web.pods[0].ips[0] }}/healthz"
"""

RETURN = r"""
pods:
  description: The sandboxes, by namespace, name and attempt.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The sandbox's id.
      type: str
    name:
      description: The pod's name.
      type: str
    namespace:
      description: Its namespace.
      type: str
    uid:
      description: Its UID.
      type: str
    attempt:
      description: How many sandboxes the pod had before this one.
      type: int
    state:
      description: V(ready) or V(notready).
      type: str
    owner:
      description:
        - V(module) for one that M(kubenode.node.cri_pod) made, V(agent) for one that kubenode's agent or a kubelet runs
          from a manifest, V(other) for all else.
      type: str
    created_at:
      description: When it was made, in UTC.
      type: str
    ips:
      description: Its addresses, the first one first. Empty with the node's network.
      type: list
      elements: str
    host_network:
      description: Whether it uses the node's network.
      type: bool
    ports:
      description: Ports of the node that lead to it. Left out where the runtime does not tell.
      type: list
      elements: dict
      contains:
        container_port:
          description: The port in the pod.
          type: int
        host_port:
          description: The port of the node.
          type: int
        host_ip:
          description: The address of the node; empty for all.
          type: str
        protocol:
          description: The protocol, like V(TCP).
          type: str
    hostname:
      description: The host name in the pod. Left out where the runtime does not tell.
      type: str
    log_directory:
      description: The folder of its containers' logs. Left out where nobody tells.
      type: str
    cgroup_parent:
      description: Its cgroup. Left out where nobody tells.
      type: str
    runtime_handler:
      description: The runtime's handler; empty for the default.
      type: str
    pid:
      description: The process ID of the sandbox on the node. Left out where it does not run, or nobody tells.
      type: int
    labels:
      description: Its labels.
      type: dict
    annotations:
      description: Its annotations, without the definition.
      type: dict
    definition:
      description: What M(kubenode.node.cri_pod) made it from, in its options. Left out for others.
      type: dict
    info:
      description: What the runtime adds, in its own form. Left out without O(verbose).
      type: dict
  sample:
    - id: 9c1f2b8a5d0e4f63a7b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f50617
      name: web
      namespace: default
      uid: 053561d3-7c09-521e-970a-ae592f8620ee
      attempt: 0
      state: ready
      owner: module
      created_at: "2026-11-25T10:39:57.501656Z"
      ips: [10.85.0.7]
      ports:
        - container_port: 80
          host_port: 8080
          host_ip: ""
          protocol: TCP
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CRI_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CRI_OPTIONS,
            "name": {"type": "list", "elements": "str", "default": [], "aliases": ["names"]},
            "namespace": {"type": "list", "elements": "str", "default": []},
            "ids": {"type": "list", "elements": "str", "default": []},
            "labels": {"type": "dict", "default": {}},
            "state": {"type": "str", "choices": ["ready", "notready"]},
            "verbose": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run_resource(module, "cri_pod_info")


if __name__ == "__main__":
    main()
