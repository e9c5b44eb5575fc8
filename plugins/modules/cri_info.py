#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: cri_info
short_description: Tells of a node's container runtime
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Tells the version of the container runtime, whether it and its network are ready, what it can do, which cgroup
    driver it uses, and where its images are.
  - Runtimes differ in what they tell. What one does not tell is null, and no error. A runtime that does not answer is
    one.
extends_documentation_fragment:
  - kubenode.node.attributes.info
  - kubenode.node.attributes.library
  - kubenode.node.cri
options:
  verbose:
    description:
      - Whether to return what the runtime adds in its own form, its configuration too, as RV(runtime.info).
      - Passwords and tokens of registries in it are hidden.
    type: bool
    default: false
  probe_rpcs:
    description:
      - Whether to try which calls the runtime has of those that not all have, with requests about nothing.
      - It takes 0.2 seconds where the runtime has events, and else next to nothing.
    type: bool
    default: true
seealso:
  - module: kubenode.node.cri_pod_info
  - module: kubenode.node.cri_stats_info
  - module: kubenode.node.node_health
"""

EXAMPLES = r"""
- name: Look at the container runtime
  kubenode.node.cri_info:
  register: cri

- name: Refuse a node whose network is not ready
  ansible.builtin.assert:
    that: network.status
    fail_msg: "{{ network.message }}"
  vars:
    network: "{{ cri.runtime.conditions | selectattr('type', 'equalto', 'NetworkReady') | first }}"

- name: Refuse a runtime that is too old
  ansible.builtin.assert:
    that: cri.runtime.version is version("1.7", ">=")

- name: Read containerd's own configuration
  kubenode.node.cri_info:
    verbose: true
  register: cri

- name: Show which snapshotter it uses
  ansible.builtin.debug:
    var: cri.runtime.info.config.containerd.snapshotter
"""

RETURN = r"""
runtime:
  description: The container runtime.
  returned: success
  type: dict
  contains:
    endpoint:
      description: The socket at which it was asked.
      returned: success
      type: str
      sample: unix:///run/containerd/containerd.sock
    name:
      description: Its name.
      returned: success
      type: str
      sample: containerd
    version:
      description: Its version.
      returned: success
      type: str
      sample: 1.6.20~ds1
    api_version:
      description: The version of CRI.
      returned: success
      type: str
      sample: v1
    ready:
      description: Whether both C(RuntimeReady) and C(NetworkReady) hold.
      returned: success
      type: bool
    conditions:
      description: The conditions that it tells.
      returned: success
      type: list
      elements: dict
      contains:
        type:
          description: C(RuntimeReady), C(NetworkReady), or one of the runtime's own.
          returned: success
          type: str
        status:
          description: Whether it holds.
          returned: success
          type: bool
        reason:
          description: A word for why it does not; empty else.
          returned: success
          type: str
        message:
          description: A sentence for why it does not; empty else.
          returned: success
          type: str
    features:
      description: What every handler can do, or null where the runtime does not tell, as containerd 1.6.
      returned: success
      type: raw
      sample:
        supplemental_groups_policy: true
        user_namespaces_host_network: false
        mount_options: false
    runtime_handlers:
      description: The handlers that pods can name, or an empty list where the runtime does not tell.
      returned: success
      type: list
      elements: dict
      contains:
        name:
          description: The handler's name; empty for the default one.
          returned: success
          type: str
        recursive_read_only_mounts:
          description: Whether all below a mount can be made read-only. Null where it is not told.
          returned: success
          type: raw
        user_namespaces:
          description: Whether pods can have users of their own. Null where it is not told.
          returned: success
          type: raw
    cgroup_driver:
      description: V(systemd) or V(cgroupfs), or null where the runtime does not tell, as containerd 1.6.
      returned: success
      type: raw
      sample: systemd
    image_filesystems:
      description: Where images are, or null where the runtime does not tell.
      returned: success
      type: raw
      sample:
        - mountpoint: /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs
          used_bytes: 412467200
          inodes_used: 32213
          timestamp: 1795603809561281406
    container_filesystems:
      description: Where the containers' writable layers are, if elsewhere; else empty. Null where it is not told.
      returned: success
      type: raw
      sample: []
    optional_rpcs:
      description:
        - Whether the runtime has the calls that not all have, by their names. C(RuntimeConfig) is always told, the
          others with O(probe_rpcs=true).
        - Calls that change something are not tried.
      returned: success
      type: dict
      sample:
        RuntimeConfig: false
        PodSandboxStats: true
        ListPodSandboxStats: true
        ListMetricDescriptors: false
        GetContainerEvents: false
        StreamPodSandboxes: false
        StreamContainers: false
    info:
      description: What the runtime adds in its own form, by its own names, with O(verbose=true). Else null.
      returned: success
      type: raw
      sample:
        config: {containerd: {snapshotter: overlayfs}}
        golang: go1.19.8
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CRI_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CRI_OPTIONS,
            "verbose": {"type": "bool", "default": False},
            "probe_rpcs": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    run_resource(module, "cri_info")


if __name__ == "__main__":
    main()
