#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: cni_gc
short_description: Cleans up what containers that are gone have left in CNI networks
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Detaches what the cache has of containers that are gone, and frees the addresses that C(host-local) gave out and
    never got back. Plugins of CNI 1.1 or later are asked for GC themselves.
  - An attachment stays when it is one of O(valid_attachments), when the container runtime has its sandbox, running or
    not, or when its network namespace is there.
  - An address stays when its attachment does, when a sandbox of the runtime has it, whatever the address file says, and
    while it is younger than O(grace).
  - Where the runtime does not answer nothing is done. What changes while the module looks is left alone.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
  - kubenode.node.cni
  - kubenode.node.cri
attributes:
  check_mode:
    description: Can run in check mode and tell what it would change, changing nothing.
    support: full
    details:
      - What plugins of CNI 1.1 or later clean up themselves cannot be told, neither before nor after; it counts as no
        change.
options:
  networks:
    description:
      - The names of the networks to look at. By default all of O(conf_dir), and those that only the cache knows.
    type: list
    elements: str
    default: []
  valid_attachments:
    description: What stays besides, as what neither the runtime nor a network namespace tells of.
    type: list
    elements: dict
    default: []
    suboptions:
      container_id:
        description: The container.
        type: str
        required: true
      ifname:
        description: The interface in the container.
        type: str
        default: eth0
  runtime:
    description:
      - Whether to ask the container runtime for its sandboxes, all of which stay.
      - Set it to V(false) only where no runtime uses these networks.
    type: bool
    default: true
  live_namespaces:
    description:
      - Whether an attachment stays as long as something is at the path of its network namespace.
      - Set it to V(false) when a runtime was killed and left namespaces of pods that it no longer knows. Then whatever
        is no pod has to be in O(valid_attachments).
    type: bool
    default: true
  grace:
    description:
      - How many seconds an address without attachment is left alone, as an ADD may be under way.
    type: int
    default: 300
notes:
  - A network with C(disableGC) is left alone.
  - Runtimes that share C(host-local)'s directory with this one, and keep no cache, have to be told of in
    O(valid_attachments), or their networks left out of O(networks).
seealso:
  - module: kubenode.node.cni_info
"""

EXAMPLES = r"""
- name: Clean up after pods that are gone
  kubenode.node.cni_gc:

- name: See what a network has left, without changing anything
  kubenode.node.cni_gc:
    networks: [pods]
  check_mode: true
  register: garbage

- name: On a router without containers, with one attachment that no namespace tells of
  kubenode.node.cni_gc:
    runtime: false
    valid_attachments:
      - container_id: uplink
        ifname: net1
"""

RETURN = r"""
detached:
  description: The attachments that were, or would be, detached. Their addresses go with them.
  returned: success
  type: list
  elements: dict
  contains:
    network:
      description: The network's name.
      returned: always
      type: str
      sample: pods
    container_id:
      description: The container that is gone.
      returned: always
      type: str
      sample: 3f2a91c04d7e
    ifname:
      description: The interface that it had.
      returned: always
      type: str
      sample: eth0
    netns:
      description: The path of the network namespace that it had; empty where it is not known.
      returned: always
      type: str
      sample: /run/netns/cni-62d2b553-d68f-e7bf-cbee-b9ca710199f0
freed:
  description: The addresses without attachment that were, or would be, freed.
  returned: success
  type: list
  elements: dict
  contains:
    network:
      description: The network's name.
      returned: always
      type: str
      sample: pods
    address:
      description: The address.
      returned: always
      type: str
      sample: 10.85.0.9
    container_id:
      description: The container that it was given to.
      returned: always
      type: str
      sample: 3f2a91c04d7e
    ifname:
      description: The interface that it was given to; empty where the file does not tell.
      returned: always
      type: str
      sample: eth0
    path:
      description: The file that stands for it.
      returned: always
      type: str
      sample: /var/lib/cni/networks/pods/10.85.0.9
kept:
  description: What stays, and why. Addresses are told of for themselves only where no cached attachment has them.
  returned: success
  type: list
  elements: dict
  contains:
    network:
      description: The network's name.
      returned: always
      type: str
      sample: pods
    container_id:
      description: The container.
      returned: always
      type: str
      sample: 90b1c2d3e4f5
    ifname:
      description: The interface; empty where it is not known.
      returned: always
      type: str
      sample: eth0
    address:
      description: The address; empty for an attachment.
      returned: always
      type: str
      sample: ""
    why:
      description: Why it stays.
      returned: always
      type: str
      sample: the runtime has its sandbox default/web
plugins:
  description: What became of GC at each plugin of a network of CNI 1.1 or later. Empty in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    network:
      description: The network's name.
      returned: always
      type: str
      sample: pods
    plugin:
      description: The plugin's type.
      returned: always
      type: str
      sample: bridge
    state:
      description: V(done), V(unsupported) or V(failed).
      returned: always
      type: str
      sample: done
    error:
      description: Why it failed; empty where it did not.
      returned: always
      type: str
      sample: ""
actions:
  description: What was done or, in check mode, would be, in this order.
  returned: when something changed, or would
  type: list
  elements: dict
  contains:
    action:
      description: What is done.
      returned: always
      type: str
      sample: free address 10.85.0.9 of network pods
    why:
      description: Why.
      returned: always
      type: str
      sample: no attachment has it
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CNI_OPTIONS, CRI_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CNI_OPTIONS,
            **CRI_OPTIONS,
            "networks": {"type": "list", "elements": "str", "default": []},
            "valid_attachments": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "container_id": {"type": "str", "required": True},
                    "ifname": {"type": "str", "default": "eth0"},
                },
            },
            "runtime": {"type": "bool", "default": True},
            "live_namespaces": {"type": "bool", "default": True},
            "grace": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    run_resource(module, "cni_gc")


if __name__ == "__main__":
    main()
