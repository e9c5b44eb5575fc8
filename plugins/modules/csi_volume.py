#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: csi_volume
short_description: Makes, grows, changes or deletes a volume of a storage driver
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Speaks CSI to the controller of a storage driver, without a cluster.
  - A volume that is there is grown when O(size) is more than it has, and gets the O(mutable_parameters) that differ.
    All else that differs cannot be changed, and is refused with what differs, also in check mode.
  - The driver is asked whether the volume is there, by C(ControllerGetVolume), C(ListVolumes) or
    C(ValidateVolumeCapabilities), whichever it has first. What drivers do not tell, such as parameters, is compared
    with the record that this module keeps in O(state_directory).
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
  - kubenode.node.csi
attributes:
  check_mode:
    details:
      - Drivers cannot be asked for a volume's name. Where no record tells of it, and the driver cannot list its volumes
        or has some of which no record tells, one of that name may be there. Then RV(certain) is false, and a warning
        says so.
options:
  name:
    description:
      - The name that the driver is given, which is the same volume ever after.
      - O(name) or O(volume_id) is needed; without O(name) nothing is created.
    type: str
  volume_id:
    description:
      - The id that the driver gave the volume, for one that was made elsewhere. With O(name) it is known under that
        name from then on.
    type: str
  state:
    description:
      - Whether the volume should be there.
      - A volume that is attached, or that is mounted on this node by M(kubenode.node.csi_mount), is not deleted.
    type: str
    choices: [present, absent]
    default: present
  size:
    description:
      - The least size, in bytes or as a quantity like V(10Gi). The driver may give more.
      - A volume that has less is grown. Nothing is made smaller.
    type: str
  limit_size:
    description: The size that it must not exceed, as O(size).
    type: str
  parameters:
    description: What the driver is told when it makes the volume, in its own words. They cannot be changed later.
    type: dict
  mutable_parameters:
    description: Parameters that can be changed later. Those that are not named stay as they are.
    type: dict
  access_modes:
    description:
      - How the volume is to be used, in the words of Kubernetes.
      - By default as it was made on this machine, else V(ReadWriteOnce).
    type: list
    elements: str
    choices: [ReadWriteOnce, ReadWriteOncePod, ReadOnlyMany, ReadWriteMany]
  volume_mode:
    description:
      - Whether it is to have a file system or to be a block device.
      - By default as it was made on this machine, else V(Filesystem).
    type: str
    choices: [Filesystem, Block]
  fs_type:
    description:
      - The type of its file system, like V(ext4).
      - By default as it was made on this machine, else as the driver decides.
    type: str
  mount_options:
    description:
      - Options for its mounts, which some drivers check when they make a volume.
      - By default as it was made on this machine, else none.
    type: list
    elements: str
  source_snapshot:
    description: Fill it from this snapshot, named as for M(kubenode.node.csi_snapshot) on this machine, or by its id.
    type: str
  source_volume:
    description: Make it a clone of this volume, named as on this machine, or by its id.
    type: str
  topology_requisite:
    description: Where it must be accessible from, in one of these places at least; each is the segments of a topology.
    type: list
    elements: dict
    default: []
  topology_preferred:
    description: The same, as wishes, the best first.
    type: list
    elements: dict
    default: []
  secrets:
    description: What the driver's controller needs to be allowed to do it. They are stored nowhere and shown nowhere.
    type: dict
    default: {}
seealso:
  - module: kubenode.node.csi_volume_info
  - module: kubenode.node.csi_attachment
  - module: kubenode.node.csi_mount
"""

EXAMPLES = r"""
- name: Make a volume of 10 GiB
  kubenode.node.csi_volume:
    driver: hostpath.csi.k8s.io
    name: database
    size: 10Gi

- name: Make a block volume in one of two zones, with secrets
  kubenode.node.csi_volume:
    endpoint: unix:///run/csi/controller.sock
    name: raw
    size: 100Gi
    volume_mode: Block
    access_modes: [ReadWriteOncePod]
    parameters:
      type: ssd
    topology_requisite:
      - topology.example.com/zone: a
      - topology.example.com/zone: b
    secrets:
      token: "{{ storage_token }}"

- name: Grow it
  kubenode.node.csi_volume:
    driver: hostpath.csi.k8s.io
    name: database
    size: 20Gi

- name: Bring a snapshot back as another volume
  kubenode.node.csi_volume:
    driver: hostpath.csi.k8s.io
    name: database-restored
    size: 20Gi
    source_snapshot: database-before-upgrade

- name: Take a volume under a name that another machine made
  kubenode.node.csi_volume:
    driver: nfs.csi.k8s.io
    name: shared
    volume_id: nfs.example.com#exports#shared##

- name: Delete a volume
  kubenode.node.csi_volume:
    driver: hostpath.csi.k8s.io
    name: database-restored
    state: absent
"""

RETURN = r"""
volume:
  description: The volume. In check mode as it is now.
  returned: when it is there
  type: dict
  contains:
    name:
      description: Its name, where this machine knows it.
      returned: always
      type: str
      sample: database
    volume_id:
      description: The driver's id of it.
      returned: always
      type: str
      sample: vol-0f3c61d2a7b94e58
    capacity_bytes:
      description: Its size in bytes; 0 where the driver does not tell.
      returned: always
      type: int
      sample: 10737418240
    volume_context:
      description: What the driver wants to be told when the volume is attached and mounted.
      returned: always
      type: dict
    content_source:
      description: The C(snapshot_id) or C(volume_id) that its content is from; empty for its own.
      returned: always
      type: dict
    accessible_topology:
      description: Where it is accessible from, the segments of each place.
      returned: always
      type: list
      elements: dict
    published_node_ids:
      description: The nodes that it is attached to, where the driver tells.
      returned: always
      type: list
      elements: str
    node_expansion_required:
      description: Whether it grew and its file system is still to be grown, which M(kubenode.node.csi_mount) does.
      returned: always
      type: bool
    volume_condition:
      description: How the driver finds it. Drivers are known to be wrong about it.
      returned: when the driver tells
      type: dict
      sample: {abnormal: false, message: well}
identified_by:
  description:
    - How the volume's id is known, V(option) for O(volume_id), V(record) for the record on this machine, V(name) where
      the driver has a volume whose id is the name, V(creation) when the driver was asked to make it, else V(nothing).
  returned: success
  type: str
  sample: record
verified_by:
  description: The call by which the driver was asked whether it is there, V(record) where only the record tells, else
    V(nothing).
  returned: success
  type: str
  sample: ControllerGetVolume
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
      sample: grow volume database (vol-0f3c61d2a7b94e58) from 10Gi to 20Gi
    why:
      description: Why it has to be done.
      returned: always
      type: str
      sample: it has 10Gi
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
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "size": {"type": "str"},
            "limit_size": {"type": "str"},
            "parameters": {"type": "dict"},
            "mutable_parameters": {"type": "dict"},
            "access_modes": {"type": "list", "elements": "str", "choices": ACCESS_MODES},
            "volume_mode": {"type": "str", "choices": ["Filesystem", "Block"]},
            "fs_type": {"type": "str"},
            "mount_options": {"type": "list", "elements": "str"},
            "source_snapshot": {"type": "str"},
            "source_volume": {"type": "str"},
            "topology_requisite": {"type": "list", "elements": "dict", "default": []},
            "topology_preferred": {"type": "list", "elements": "dict", "default": []},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
        },
        required_one_of=[["name", "volume_id"]],
        mutually_exclusive=[["source_snapshot", "source_volume"]],
        supports_check_mode=True,
    )
    run_resource(module, "csi_volume")


if __name__ == "__main__":
    main()
