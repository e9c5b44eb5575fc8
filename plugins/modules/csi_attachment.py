#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: csi_attachment
short_description: Attaches a volume to a node, or detaches it
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Has the driver's controller attach a volume to a node (C(ControllerPublishVolume)), and gives the context that
    mounting it needs. M(kubenode.node.csi_mount) on the same machine finds that context by itself.
  - A driver that attaches nothing (RV(attach_required) is false) has nothing to do, so that playbooks need not tell
    drivers apart.
  - A volume for one node that is attached to another is not taken from there, and one that is mounted on this node by
    M(kubenode.node.csi_mount) is not detached.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
  - kubenode.node.csi
  - kubenode.node.csi.use
attributes:
  check_mode:
    details:
      - Where the driver does not tell which nodes have a volume (C(LIST_VOLUMES_PUBLISHED_NODES)), what this machine
        remembers counts. Where it remembers nothing, RV(certain) is false, and a warning says so.
options:
  state:
    description: Whether the node should have the volume.
    type: str
    choices: [attached, detached]
    default: attached
  node_id:
    description:
      - The driver's id of the node, which M(kubenode.node.csi_info) tells there.
      - By default that of the node that is served at the same socket.
    type: str
  all_nodes:
    description: With O(state=detached), detach it from all nodes.
    type: bool
    default: false
  read_only:
    description: Attach it read-only, which needs a driver with C(PUBLISH_READONLY).
    type: bool
    default: false
  secrets:
    description: What the driver's controller needs to be allowed to do it. They are stored nowhere and shown nowhere.
    type: dict
    default: {}
seealso:
  - module: kubenode.node.csi_volume
  - module: kubenode.node.csi_mount
"""

EXAMPLES = r"""
- name: Attach a volume to this node
  kubenode.node.csi_attachment:
    driver: ebs.csi.aws.com
    name: database

- name: Attach a volume to another node
  kubenode.node.csi_attachment:
    endpoint: unix:///run/csi/controller.sock
    name: database
    node_id: "{{ hostvars[inventory_hostname].storage.driver.node.node_id }}"
  delegate_to: storage-controller
  register: attachment

- name: Detach it from all nodes
  kubenode.node.csi_attachment:
    driver: ebs.csi.aws.com
    name: database
    all_nodes: true
    state: detached
"""

RETURN = r"""
volume_id:
  description: The driver's id of the volume; empty where no record tells of its name.
  returned: success
  type: str
  sample: vol-0f3c61d2a7b94e58
node_id:
  description: The driver's id of the node; empty for all nodes.
  returned: success
  type: str
  sample: node-a
attach_required:
  description: Whether this driver attaches volumes at all.
  returned: success
  type: bool
  sample: true
publish_context:
  description: What the driver wants to be told when the volume is mounted on that node.
  returned: when the volume is attached, or need not be. In check mode where it is known already
  type: dict
verified_by:
  description:
    - The call by which the driver was asked, V(record) where only what this machine remembers tells, else V(nothing).
  returned: success
  type: str
  sample: ListVolumes
certain:
  description: Whether all that matters could be known before. See the attribute C(check_mode).
  returned: success
  type: bool
  sample: true
actions:
  description: What was done, or in check mode would be, and why.
  returned: when something changed, or would
  type: list
  elements: dict
  contains:
    action:
      description: What is done.
      returned: always
      type: str
      sample: attach volume vol-0f3c61d2a7b94e58 to node node-a
    why:
      description: Why it has to be done.
      returned: always
      type: str
      sample: it is not attached to it
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CSI_OPTIONS, run_resource

ACCESS_MODES = ["ReadWriteOnce", "ReadWriteOncePod", "ReadOnlyMany", "ReadWriteMany"]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CSI_OPTIONS,
            "name": {"type": "str"},
            "volume_id": {"type": "str"},
            "access_mode": {"type": "str", "choices": ACCESS_MODES},
            "volume_mode": {"type": "str", "choices": ["Filesystem", "Block"]},
            "fs_type": {"type": "str"},
            "mount_options": {"type": "list", "elements": "str"},
            "volume_context": {"type": "dict"},
            "state": {"type": "str", "choices": ["attached", "detached"], "default": "attached"},
            "node_id": {"type": "str"},
            "all_nodes": {"type": "bool", "default": False},
            "read_only": {"type": "bool", "default": False},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
        },
        required_one_of=[["name", "volume_id"]],
        supports_check_mode=True,
    )
    run_resource(module, "csi_attachment")


if __name__ == "__main__":
    main()
