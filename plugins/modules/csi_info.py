#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: csi_info
short_description: Tells what storage drivers are and can
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Asks one storage driver, or all that are on this node, for its name, version, capabilities, node and topology, and
    whether it is ready.
  - Waits until a driver is ready where that is asked.
extends_documentation_fragment:
  - kubenode.node.attributes.info
  - kubenode.node.attributes.library
  - kubenode.node.csi
options:
  wait:
    description: Wait until the driver is there and ready.
    type: bool
    default: false
  wait_timeout:
    description: How many seconds to wait.
    type: int
    default: 60
notes:
  - Without O(endpoint) and O(driver) all drivers are told that are below O(kubelet_root).
"""

EXAMPLES = r"""
- name: Look at a driver, and wait for it
  kubenode.node.csi_info:
    driver: hostpath.csi.k8s.io
    wait: true
  register: hostpath

- name: Stop where it cannot make snapshots
  ansible.builtin.assert:
    that: "'CREATE_DELETE_SNAPSHOT' in hostpath.driver.capabilities.controller"

- name: See which drivers are on the node
  kubenode.node.csi_info:
  register: storage
"""

RETURN = r"""
driver:
  description: The driver that was asked for.
  returned: with O(endpoint) or O(driver)
  type: dict
  contains:
    name:
      description: The driver's name.
      returned: always
      type: str
      sample: hostpath.csi.k8s.io
    vendor_version:
      description: The driver's version.
      returned: success
      type: str
      sample: v1.17.0
    manifest:
      description: What else it says of itself.
      returned: success
      type: dict
    endpoint:
      description: The socket that was asked.
      returned: always
      type: str
      sample: unix:///var/lib/kubelet/plugins/hostpath.csi.k8s.io/csi.sock
    ready:
      description: Whether it is ready, as Probe says.
      returned: always
      type: bool
      sample: true
    capabilities:
      description: What it can, in the specification's words, by service. A service that it has not got has none.
      returned: success
      type: dict
      contains:
        plugin:
          description: Its services, and whether volumes grow C(ONLINE) or C(OFFLINE).
          returned: always
          type: list
          elements: str
          sample: [CONTROLLER_SERVICE, ONLINE]
        controller:
          description: What its controller can.
          returned: always
          type: list
          elements: str
          sample: [CREATE_DELETE_VOLUME, LIST_VOLUMES]
        group_controller:
          description: What its controller of group snapshots can.
          returned: always
          type: list
          elements: str
        node:
          description: What its node can.
          returned: always
          type: list
          elements: str
          sample: [STAGE_UNSTAGE_VOLUME]
    node:
      description: The node that is served at this socket.
      returned: when one is
      type: dict
      contains:
        node_id:
          description: The driver's id of the node, which M(kubenode.node.csi_attachment) needs.
          returned: always
          type: str
          sample: node-a
        max_volumes_per_node:
          description: How many volumes can be attached; 0 where the driver names no number.
          returned: always
          type: int
          sample: 0
        accessible_topology:
          description: The segments of the topology in which the node is.
          returned: always
          type: dict
          sample: {topology.example.com/zone: a}
drivers:
  description: All drivers that were asked, with those of which nothing but an error is known.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The driver's name.
      returned: always
      type: str
      sample: hostpath.csi.k8s.io
    vendor_version:
      description: The driver's version.
      returned: when it answers
      type: str
      sample: v1.17.0
    manifest:
      description: What else it says of itself.
      returned: when it answers
      type: dict
    endpoint:
      description: The socket that was asked.
      returned: always
      type: str
      sample: unix:///var/lib/kubelet/plugins/hostpath.csi.k8s.io/csi.sock
    ready:
      description: Whether it is ready, as Probe says.
      returned: always
      type: bool
      sample: true
    capabilities:
      description: What it can, in the specification's words, by service. A service that it has not got has none.
      returned: when it answers
      type: dict
      contains:
        plugin:
          description: Its services, and whether volumes grow C(ONLINE) or C(OFFLINE).
          returned: always
          type: list
          elements: str
          sample: [CONTROLLER_SERVICE, ONLINE]
        controller:
          description: What its controller can.
          returned: always
          type: list
          elements: str
          sample: [CREATE_DELETE_VOLUME, LIST_VOLUMES]
        group_controller:
          description: What its controller of group snapshots can.
          returned: always
          type: list
          elements: str
        node:
          description: What its node can.
          returned: always
          type: list
          elements: str
          sample: [STAGE_UNSTAGE_VOLUME]
    node:
      description: The node that is served at this socket.
      returned: when one is
      type: dict
      contains:
        node_id:
          description: The driver's id of the node, which M(kubenode.node.csi_attachment) needs.
          returned: always
          type: str
          sample: node-a
        max_volumes_per_node:
          description: How many volumes can be attached; 0 where the driver names no number.
          returned: always
          type: int
          sample: 0
        accessible_topology:
          description: The segments of the topology in which the node is.
          returned: always
          type: dict
          sample: {topology.example.com/zone: a}
    supported_versions:
      description: The versions that it registered with.
      returned: when it was found on the node and answers
      type: list
      elements: str
      sample: [1.0.0]
    error:
      description: Why it could not be asked.
      returned: when it does not answer
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CSI_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CSI_OPTIONS,
            "wait": {"type": "bool", "default": False},
            "wait_timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    run_resource(module, "csi_info")


if __name__ == "__main__":
    main()
