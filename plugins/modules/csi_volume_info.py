#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: csi_volume_info
short_description: Tells of the volumes, snapshots and room of a storage driver
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Lists the volumes of a storage driver, page by page, or one of them; and, where that is asked, its snapshots and
    what room it has left.
  - A driver that cannot list its volumes is not asked; told is then what this machine remembers of those that it made,
    with a warning.
extends_documentation_fragment:
  - kubenode.node.attributes.info
  - kubenode.node.attributes.library
  - kubenode.node.csi
options:
  name:
    description: Only the volume that has this name on this machine, or whose id it is.
    type: str
  volume_id:
    description: Only the volume with this id.
    type: str
  volumes:
    description: Whether to tell of volumes.
    type: bool
    default: true
  snapshots:
    description: Whether to tell of snapshots; with O(name) or O(volume_id) of those of that volume.
    type: bool
    default: false
  capacity:
    description: Whether to tell what room is left.
    type: bool
    default: false
  parameters:
    description: The room for volumes with these parameters.
    type: dict
    default: {}
  access_mode:
    description: The room for volumes that are used so, in the words of Kubernetes.
    type: str
    choices: [ReadWriteOnce, ReadWriteOncePod, ReadOnlyMany, ReadWriteMany]
    default: ReadWriteOnce
  volume_mode:
    description: The room for volumes with a file system, or for block devices.
    type: str
    choices: [Filesystem, Block]
    default: Filesystem
  fs_type:
    description: The room for volumes with this type of file system.
    type: str
  topology:
    description: The room in this place, the segments of a topology.
    type: dict
  max_entries:
    description:
      - How many entries a driver is asked for at once; with V(0) it gives as many as it wants. All are told, however
        many pages that takes.
    type: int
    default: 0
  secrets:
    description: What some drivers need to tell of snapshots. They are stored nowhere and shown nowhere.
    type: dict
    default: {}
seealso:
  - module: kubenode.node.csi_volume
"""

EXAMPLES = r"""
- name: List all volumes and snapshots, and the room that is left
  kubenode.node.csi_volume_info:
    driver: hostpath.csi.k8s.io
    snapshots: true
    capacity: true
  register: storage

- name: Look at one volume
  kubenode.node.csi_volume_info:
    driver: hostpath.csi.k8s.io
    name: database

- name: See what fits into one zone
  kubenode.node.csi_volume_info:
    driver: hostpath.csi.k8s.io
    volumes: false
    capacity: true
    topology:
      topology.example.com/zone: a
"""

RETURN = r"""
volumes:
  description: The volumes.
  returned: with O(volumes=true)
  type: list
  elements: dict
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
verified_by:
  description:
    - The call by which the driver was asked, V(record) where only what this machine remembers tells, else V(nothing).
  returned: with O(volumes=true)
  type: str
  sample: ListVolumes
snapshots:
  description: The snapshots.
  returned: with O(snapshots=true)
  type: list
  elements: dict
  contains:
    name:
      description: Its name, where this machine knows it.
      returned: always
      type: str
      sample: database-before-upgrade
    snapshot_id:
      description: The driver's id of it.
      returned: always
      type: str
      sample: snap-3a61c5e0f2d94b77
    source_volume_id:
      description: The volume that it is of.
      returned: always
      type: str
      sample: vol-0f3c61d2a7b94e58
    size_bytes:
      description: The least size, in bytes, of a volume that is made from it; 0 where the driver does not tell.
      returned: always
      type: int
      sample: 10737418240
    ready_to_use:
      description: Whether volumes can be made from it.
      returned: always
      type: bool
      sample: true
    group_snapshot_id:
      description: The group snapshot that it is a part of; empty for none.
      returned: always
      type: str
    creation_time:
      description: The moment as of which it is.
      returned: when the driver tells
      type: str
      sample: "2026-11-25T10:22:45Z"
capacity:
  description: The room that is left.
  returned: with O(capacity=true)
  type: dict
  contains:
    available_capacity:
      description: In bytes.
      returned: always
      type: int
      sample: 10737418240
    maximum_volume_size:
      description: The largest volume, in bytes.
      returned: when the driver tells
      type: int
      sample: 4294967296
    minimum_volume_size:
      description: The smallest volume, in bytes.
      returned: when the driver tells
      type: int
      sample: 1048576
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
            "volumes": {"type": "bool", "default": True},
            "snapshots": {"type": "bool", "default": False},
            "capacity": {"type": "bool", "default": False},
            "parameters": {"type": "dict", "default": {}},
            "access_mode": {"type": "str", "choices": ACCESS_MODES, "default": "ReadWriteOnce"},
            "volume_mode": {"type": "str", "choices": ["Filesystem", "Block"], "default": "Filesystem"},
            "fs_type": {"type": "str"},
            "topology": {"type": "dict"},
            "max_entries": {"type": "int", "default": 0},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
        },
        supports_check_mode=True,
    )
    run_resource(module, "csi_volume_info")


if __name__ == "__main__":
    main()
