#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: csi_snapshot
short_description: Makes or deletes a snapshot of a volume, or of several at once
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Makes a snapshot of one volume, or with O(source_volumes) of several as of one moment, and waits until it is ready.
  - A snapshot cannot be changed. One that is there and is of another volume is refused, also in check mode.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
  - kubenode.node.csi
attributes:
  check_mode:
    details:
      - Drivers cannot be asked for a snapshot's name. Where no record tells of it, and the driver cannot list its
        snapshots or has some of the volume of which no record tells, one of that name may be there. Then RV(certain)
        is false, and a warning says so.
options:
  name:
    description:
      - The name that the driver is given, which is the same snapshot ever after.
      - O(name) or O(snapshot_id) is needed; without O(name) nothing is created.
    type: str
  snapshot_id:
    description:
      - The id that the driver gave it, for one that was made elsewhere. With O(name) it is known under that name from
        then on.
      - With O(group=true) the id of the group snapshot.
    type: str
  state:
    description: Whether the snapshot should be there.
    type: str
    choices: [present, absent]
    default: present
  source_volume:
    description: The volume, named as for M(kubenode.node.csi_volume) on this machine, or by its id.
    type: str
  source_volumes:
    description: Several of them, for a group snapshot, all as of one moment.
    type: list
    elements: str
    default: []
  group:
    description: Whether it is a group snapshot, where O(source_volumes) does not say so, as when it is deleted.
    type: bool
    default: false
  parameters:
    description: What the driver is told, in its own words.
    type: dict
  wait:
    description: Wait until it is ready, which some drivers take long for. The moment as of which it is does not change.
    type: bool
    default: true
  wait_timeout:
    description: How many seconds to wait. A snapshot that is not ready by then is there, and the task fails.
    type: int
    default: 300
  secrets:
    description: What the driver's controller needs to be allowed to do it. They are stored nowhere and shown nowhere.
    type: dict
    default: {}
seealso:
  - module: kubenode.node.csi_volume
  - module: kubenode.node.csi_volume_info
"""

EXAMPLES = r"""
- name: Keep the database as it is
  kubenode.node.csi_snapshot:
    driver: hostpath.csi.k8s.io
    name: database-before-upgrade
    source_volume: database

- name: Keep data and journal as of the same moment
  kubenode.node.csi_snapshot:
    driver: hostpath.csi.k8s.io
    name: nightly
    source_volumes: [data, journal]

- name: Delete both
  kubenode.node.csi_snapshot:
    driver: hostpath.csi.k8s.io
    name: "{{ item.name }}"
    group: "{{ item.group }}"
    state: absent
  loop:
    - {name: database-before-upgrade, group: false}
    - {name: nightly, group: true}
"""

RETURN = r"""
snapshot:
  description: The snapshot. In check mode as it is now.
  returned: when it is there and no group snapshot
  type: dict
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
group_snapshot:
  description: The group snapshot. In check mode as it is now.
  returned: when it is there and a group snapshot
  type: dict
  contains:
    name:
      description: Its name, where this machine knows it.
      returned: always
      type: str
      sample: nightly
    group_snapshot_id:
      description: The driver's id of it.
      returned: always
      type: str
      sample: group-95b0e64c1d3f4a20
    ready_to_use:
      description: Whether volumes can be made from all its snapshots.
      returned: always
      type: bool
      sample: true
    snapshots:
      description: Its snapshots, each as RV(snapshot).
      returned: always
      type: list
      elements: dict
identified_by:
  description:
    - How the id is known, V(option) for O(snapshot_id), V(record) for the record on this machine, V(creation) when the
      driver was asked to make it, else V(nothing).
  returned: success
  type: str
  sample: record
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
      sample: create snapshot database-before-upgrade of vol-0f3c61d2a7b94e58
    why:
      description: Why it has to be done.
      returned: always
      type: str
      sample: there is none of that name
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CSI_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CSI_OPTIONS,
            "name": {"type": "str"},
            "snapshot_id": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "source_volume": {"type": "str"},
            "source_volumes": {"type": "list", "elements": "str", "default": []},
            "group": {"type": "bool", "default": False},
            "parameters": {"type": "dict"},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "int", "default": 300},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
        },
        required_one_of=[["name", "snapshot_id"]],
        supports_check_mode=True,
    )
    run_resource(module, "csi_snapshot")


if __name__ == "__main__":
    main()
