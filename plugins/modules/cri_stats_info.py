#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: cri_stats_info
short_description: Tells what containers and pods use
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Tells how much processor time, memory, network and disk the containers and pods that run use, as the container
    runtime counts it.
  - It makes four calls, however many containers there are. Where one of which the runtime cannot tell makes it refuse a
    whole list, it asks for each by itself, and tells which could not be told as RV(not_told).
  - Counters are since the start. A rate takes two looks, with O(interval).
extends_documentation_fragment:
  - kubenode.node.attributes.info
  - kubenode.node.attributes.library
  - kubenode.node.cri
options:
  name:
    description:
      - Names of containers, or patterns with C(*) and C(?). One that fits is enough.
      - With this or O(ids) pods are not told of.
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
    description: Ids of containers, or their beginnings.
    type: list
    elements: str
    default: []
  labels:
    description: Labels that have to be there, all of them, at the pod, or for a container at it or its pod.
    type: dict
    default: {}
  interval:
    description:
      - How many seconds to wait between two looks, for the rate C(usage_nanocores), where 1000000000 is one whole core.
        Parts of seconds are possible.
      - With V(0) there is one look, without waiting, and C(usage_nanocores) is null.
      - What runtimes cache is not counted anew each time; containerd counts processors and memory anew.
    type: float
    default: 0
seealso:
  - module: kubenode.node.cri_container_info
  - module: kubenode.node.cri_pod_info
"""

EXAMPLES = r"""
- name: Look at what all pods use
  kubenode.node.cri_stats_info:
  register: usage

- name: Show the five that have most memory
  ansible.builtin.debug:
    msg: "{{ (usage.pods | sort(attribute='memory.working_set_bytes', reverse=true))[:5] | map(attribute='name') }}"

- name: Look how busy the proxies are, over two seconds
  kubenode.node.cri_stats_info:
    namespace: kube-system
    pod: kube-proxy-*
    interval: 2
  register: proxies

- name: Fail where one uses more than half a core
  ansible.builtin.assert:
    that: proxies.containers | map(attribute="cpu.usage_nanocores") | max < 500000000
"""

RETURN = r"""
containers:
  description: The containers that run and fit, by namespace, pod and name.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The container's id.
      returned: success
      type: str
    name:
      description: Its name.
      returned: success
      type: str
    pod:
      description: The name of its pod.
      returned: success
      type: str
    namespace:
      description: The namespace of its pod.
      returned: success
      type: str
    pod_id:
      description: The id of its pod's sandbox.
      returned: success
      type: str
    attempt:
      description: How often it was started before.
      returned: success
      type: int
    labels:
      description: Its labels.
      returned: success
      type: dict
    cpu:
      description: Processor time, or null where the runtime tells none.
      returned: success
      type: raw
      sample:
        timestamp: 1795603901644113690
        usage_core_nanoseconds: 1628911867
        usage_nanocores: 120000000
    memory:
      description:
        - Memory, or null where the runtime tells none. C(working_set_bytes) is what cannot be reclaimed at once, which
          evictions are decided by; C(available_bytes) is the limit less that.
        - Without a limit C(available_bytes) is null, or 0 with containerd 1.6.
      returned: success
      type: raw
      sample:
        timestamp: 1795603901644113690
        working_set_bytes: 1933312
        available_bytes: null
        usage_bytes: 2048000
        rss_bytes: 110592
        page_faults: 48050
        major_page_faults: 21
    swap:
      description: Swap, or null where the runtime tells none.
      returned: success
      type: raw
      sample: {timestamp: 1795603901644113690, available_bytes: null, usage_bytes: 0}
    filesystem:
      description:
        - Its writable layer, or null where the runtime tells none. C(mountpoint) is a folder of the file system that it
          is on.
      returned: success
      type: raw
      sample:
        timestamp: 1795603899562110699
        mountpoint: /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs
        used_bytes: 40960
        inodes_used: 13
pods:
  description: The pods that run and fit, with all that is in them, by namespace and name.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id of its sandbox.
      returned: success
      type: str
    name:
      description: Its name.
      returned: success
      type: str
    namespace:
      description: Its namespace.
      returned: success
      type: str
    uid:
      description: Its UID.
      returned: success
      type: str
    labels:
      description: Its labels.
      returned: success
      type: dict
    cpu:
      description: Processor time, or null where the runtime tells none.
      returned: success
      type: raw
      sample:
        timestamp: 1795603901644113690
        usage_core_nanoseconds: 1628911867
        usage_nanocores: 120000000
    memory:
      description:
        - Memory, or null where the runtime tells none. C(working_set_bytes) is what cannot be reclaimed at once, which
          evictions are decided by; C(available_bytes) is the limit less that.
        - Without a limit C(available_bytes) is null, or 0 with containerd 1.6.
      returned: success
      type: raw
      sample:
        timestamp: 1795603901644113690
        working_set_bytes: 1933312
        available_bytes: null
        usage_bytes: 2048000
        rss_bytes: 110592
        page_faults: 48050
        major_page_faults: 21
    interfaces:
      description:
        - Its network interfaces, the default one first, with counts since they were made, or null where the runtime
          tells none.
      returned: success
      type: raw
      sample:
        - {name: eth0, rx_bytes: 2962, rx_errors: 0, tx_bytes: 1032, tx_errors: 0}
    processes:
      description: How many processes it has, or null where the runtime does not tell.
      returned: success
      type: raw
      sample: 4
not_told:
  description:
    - What runs and fits, and of which the runtime could not tell. To containerd that is a pod whose sandbox was made
      without a cgroup of its own, and to a runtime without statistics of pods it is every pod.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(pod) or V(container).
      returned: success
      type: str
    id:
      description: The id of the sandbox or container.
      returned: success
      type: str
    name:
      description: C(namespace/pod) or C(namespace/pod/container).
      returned: success
      type: str
    why:
      description: What the runtime said.
      returned: success
      type: str
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
            "interval": {"type": "float", "default": 0},
        },
        supports_check_mode=True,
    )
    run_resource(module, "cri_stats_info")


if __name__ == "__main__":
    main()
