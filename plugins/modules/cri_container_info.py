#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: cri_container_info
short_description: Tells of the containers of a container runtime
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Tells of all containers that the container runtime holds, whoever made them, or of those that all filters fit.
  - It asks for two lists, and then for each container that fits, several at once.
  - Values of environment variables are told with O(verbose) only.
extends_documentation_fragment:
  - kubenode.node.attributes.info
  - kubenode.node.attributes.library
  - kubenode.node.cri
options:
  name:
    description: Names of containers, or patterns with C(*) and C(?). One that fits is enough.
    type: list
    elements: str
    default: []
    aliases: [names]
  namespace:
    description: Namespaces of pods, or patterns.
    type: list
    elements: str
    default: []
  pod:
    description: Names of pods, or patterns, or sandboxes' ids, or their beginnings.
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
    choices: [created, running, exited, unknown]
  verbose:
    description: Whether to return what the runtime adds, with the environment in clear, as RV(containers[].info).
    type: bool
    default: false
seealso:
  - module: kubenode.node.cri_container
  - module: kubenode.node.cri_pod_info
  - module: kubenode.node.cri_stats_info
"""

EXAMPLES = r"""
- name: Look at all containers
  kubenode.node.cri_container_info:
  register: all_containers

- name: Find what ended in a namespace
  kubenode.node.cri_container_info:
    namespace: shop
    state: exited
  register: ended

- name: Fail where memory ran out
  ansible.builtin.assert:
    that: ended.containers | selectattr("reason", "equalto", "OOMKilled") | length == 0

- name: Look at a kubelet's proxies by a label
  kubenode.node.cri_container_info:
    namespace: kube-system
    labels:
      io.kubernetes.container.name: kube-proxy
"""

RETURN = r"""
containers:
  description: The containers, by namespace, pod, name and attempt.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The container's id.
      type: str
    name:
      description: Its name.
      type: str
    pod:
      description: The name of its pod.
      type: str
    namespace:
      description: The namespace of its pod.
      type: str
    pod_id:
      description: The id of its sandbox.
      type: str
    pod_uid:
      description: The UID of its pod.
      type: str
    attempt:
      description: How many containers of the name its sandbox had before this one.
      type: int
    state:
      description: V(created), V(running), V(exited) or V(unknown).
      type: str
    owner:
      description:
        - V(module) for one that M(kubenode.node.cri_container) made, V(agent) for one that kubenode's agent or a
          kubelet runs from a manifest, V(other) for all else.
      type: str
    created_at:
      description: When it was made, in UTC.
      type: str
    started_at:
      description: When it was started. Left out before that.
      type: str
    finished_at:
      description: When it exited. Left out before that.
      type: str
    exit_code:
      description: With what it exited. Left out before that.
      type: int
    reason:
      description: Why it is in its state, in one word like V(OOMKilled).
      type: str
    message:
      description: The same for people.
      type: str
    image:
      description: The image that was asked for.
      type: str
    image_ref:
      description: What that is, by its digest where it has one.
      type: str
    image_id:
      description: The image's id.
      type: str
    mounts:
      description: What is mounted into it.
      type: list
      elements: dict
      contains:
        container_path:
          description: Where it appears.
          type: str
        host_path:
          description: The file or directory of the node; empty for an image.
          type: str
        image:
          description: The image whose content is mounted; empty for what is the node's.
          type: str
        read_only:
          description: Whether it cannot be written to.
          type: bool
        propagation:
          description: V(None), V(HostToContainer) or V(Bidirectional).
          type: str
    resources:
      description: What it may use. Left out where the runtime does not tell.
      type: dict
      contains:
        cpu_shares:
          description: Its weight against others; 0 where none was asked for.
          type: int
        cpu_quota:
          description: Microseconds of CPU time in each period; 0 or -1 for no limit.
          type: int
        cpu_period:
          description: The length of a period in microseconds.
          type: int
        memory_limit:
          description: Bytes of memory; 0 or -1 for no limit.
          type: int
    log_path:
      description: Its log; empty where it has none.
      type: str
    pid:
      description: Its process ID on the node. Left out where it does not run, or nobody tells.
      type: int
    user:
      description: The ID of the user that it runs as. Left out where nobody tells.
      type: int
    labels:
      description: Its labels.
      type: dict
    annotations:
      description: Its annotations, without the definition.
      type: dict
    definition:
      description:
        - What M(kubenode.node.cri_container) made it from, in its options, with digests for the values of its
          environment. Left out for others.
      type: dict
    info:
      description: What the runtime adds, in its own form, with the environment in clear. Left out without O(verbose).
      type: dict
  sample:
    - id: 62e6e282e5c1657c78c3a967b36711eb3906a7c8603d71d409e7a54d87bdc1f7
      name: web
      pod: shop
      namespace: default
      attempt: 0
      state: running
      owner: module
      started_at: "2026-11-25T10:39:57.524013Z"
      image: registry.example/shop:4.2
      log_path: /var/log/pods/default_shop_053561d3-7c09-521e-970a-ae592f8620ee/web/0.log
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CRI_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CRI_OPTIONS,
            "name": {"type": "list", "elements": "str", "default": [], "aliases": ["names"]},
            "namespace": {"type": "list", "elements": "str", "default": []},
            "pod": {"type": "list", "elements": "str", "default": []},
            "ids": {"type": "list", "elements": "str", "default": []},
            "labels": {"type": "dict", "default": {}},
            "state": {"type": "str", "choices": ["created", "running", "exited", "unknown"]},
            "verbose": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run_resource(module, "cri_container_info")


if __name__ == "__main__":
    main()
