#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: csi_mount
short_description: Mounts a volume of a storage driver on this node, or unmounts it
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Has the driver's node stage a volume, where it does that, and publish it at its target, as the kubelet does for
    pods.
  - Whether it is mounted is read from the kernel's table of mounts. A target at which something else is mounted, or
    which has content, is refused. A mount that is broken, as by a stale file handle, is mounted again.
  - What differs from how it was mounted is changed by unmounting and mounting it, for which nothing may use it.
  - A volume is unstaged when it is unmounted from its last target on this node, as the kernel, the kubelet's files and
    this machine's records tell.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
  - kubenode.node.csi
  - kubenode.node.csi.use
options:
  state:
    description:
      - Whether the volume should be at its target.
      - V(unmounted) needs no O(name) and no O(volume_id), where this module or the kubelet mounted it.
    type: str
    choices: [mounted, unmounted]
    default: mounted
  target_path:
    description:
      - Where to mount it, an absolute path. The driver makes the directory, or for a block volume the file.
      - O(target_path) or O(pod_uid) is needed.
    type: str
  pod_uid:
    description:
      - Mount it where the kubelet mounts volumes for the pod with this UID, and keep C(vol_data.json) as the kubelet
        does.
      - A kubelet or an agent that runs on the node unmounts what is there for pods that it does not know.
    type: str
  volume_name:
    description:
      - With O(pod_uid) the name of the PersistentVolume, or for a volume that lives with its pod the name that the pod
        has for it.
      - By default O(name), else O(volume_id).
    type: str
  staging_path:
    description:
      - Where to stage it, an absolute path.
      - By default where the kubelet stages it, because a volume can be staged once on a node.
    type: str
  read_only:
    description: Mount it read-only. Its files are then given to no group.
    type: bool
    default: false
  publish_context:
    description:
      - What M(kubenode.node.csi_attachment) returned for this node.
      - By default as this machine remembers it.
    type: dict
  size:
    description:
      - Grow the file system to this size, in bytes or as a quantity like V(10Gi), where the driver's node does that.
        The volume must have it already.
      - By default a volume that M(kubenode.node.csi_volume) on this machine has grown is grown here too, when its
        driver said that the node must.
    type: str
  fs_group:
    description:
      - The number of the group whose files it shall have, as C(fsGroup) of a pod. The driver does it where it can
        (C(VOLUME_MOUNT_GROUP)), else this module, by O(fs_group_policy).
    type: int
  fs_group_policy:
    description:
      - Whether this module gives the files to the group, as C(fsGroupPolicy) of a CSIDriver.
      - V(ReadWriteOnceWithFSType) does so where O(fs_type) is known and O(access_mode) is V(ReadWriteOnce) or
        V(ReadWriteOncePod). It never happens to a volume that is read-only or a block device.
    type: str
    choices: [None, File, ReadWriteOnceWithFSType]
    default: ReadWriteOnceWithFSType
  fs_group_change_policy:
    description:
      - V(Always) looks at all files, each time; V(OnRootMismatch) at the root directory only, which is given to the
        group last.
    type: str
    choices: [Always, OnRootMismatch]
    default: Always
  ephemeral:
    description:
      - It lives with its pod. The driver makes it when it is mounted, and removes it when it is unmounted; it is
        neither attached nor staged.
      - Its O(volume_id) is by default made of O(pod_uid) and O(volume_name), as the kubelet does it.
    type: bool
    default: false
  pod:
    description: What a driver with C(podInfoOnMount) is told of the pod, beside O(pod_uid).
    type: dict
    suboptions:
      name:
        description: The pod's name.
        type: str
        required: true
      namespace:
        description: The pod's namespace.
        type: str
        required: true
      service_account:
        description: The name of the pod's service account.
        type: str
        default: default
  node_name:
    description: The name of the node that stands in C(vol_data.json). By default the host's name in small letters.
    type: str
  stats:
    description: Tell how full the volume is, where the driver can.
    type: bool
    default: false
  secrets:
    description:
      - What the driver's node needs to be allowed to stage, mount and grow it. They are stored nowhere and shown
        nowhere.
    type: dict
    default: {}
  stage_secrets:
    description: To stage it, others than O(secrets).
    type: dict
  publish_secrets:
    description: To mount it, others than O(secrets).
    type: dict
  expand_secrets:
    description: To grow it, others than O(secrets).
    type: dict
seealso:
  - module: kubenode.node.csi_volume
  - module: kubenode.node.csi_attachment
"""

EXAMPLES = r"""
- name: Mount a volume
  kubenode.node.csi_mount:
    driver: hostpath.csi.k8s.io
    name: database
    target_path: /srv/database

- name: Mount one that another machine made and attached, for a group
  kubenode.node.csi_mount:
    driver: ebs.csi.aws.com
    volume_id: "{{ volume.volume.volume_id }}"
    volume_context: "{{ volume.volume.volume_context }}"
    publish_context: "{{ attachment.publish_context }}"
    fs_type: ext4
    target_path: /srv/database
    fs_group: 2000
    fs_group_change_policy: OnRootMismatch

- name: Mount a share with a password, where a pod expects it
  kubenode.node.csi_mount:
    driver: smb.csi.k8s.io
    volume_id: files.example.com/shared##
    volume_context:
      source: //files.example.com/shared
    access_mode: ReadWriteMany
    pod_uid: 0b0e0d5c-6ff4-4e7c-9a6f-2c1d8c9b7a10
    volume_name: shared
    stage_secrets:
      username: node
      password: "{{ share_password }}"

- name: Mount a volume that lives with its pod
  kubenode.node.csi_mount:
    driver: hostpath.csi.k8s.io
    ephemeral: true
    pod_uid: 0b0e0d5c-6ff4-4e7c-9a6f-2c1d8c9b7a10
    volume_name: scratch
    volume_context:
      kind: fast

- name: Unmount it
  kubenode.node.csi_mount:
    driver: hostpath.csi.k8s.io
    target_path: /srv/database
    state: unmounted
"""

RETURN = r"""
volume_id:
  description: The driver's id of the volume; empty where nothing is mounted and none is known.
  returned: success
  type: str
  sample: vol-0f3c61d2a7b94e58
target_path:
  description: Where it is mounted, or would be.
  returned: success
  type: str
  sample: /srv/database
staging_path:
  description: Where it is staged, or would be; empty for a driver that does not stage.
  returned: success
  type: str
  sample: /var/lib/kubelet/plugins/kubernetes.io/csi/hostpath.csi.k8s.io/4d1e…/globalmount
mounted:
  description: Whether it is at its target. In check mode, whether it is there now.
  returned: success
  type: bool
  sample: true
staged:
  description: Whether it is staged afterwards. With O(state=unmounted) it stays so while something else uses it.
  returned: success
  type: bool
  sample: true
used_at:
  description: Other paths on this node at which it is used.
  returned: success
  type: list
  elements: str
  sample: []
stats:
  description: How full it is.
  returned: with O(stats=true), when it is mounted and the driver can tell
  type: list
  elements: dict
  contains:
    unit:
      description: What is counted, C(BYTES) or C(INODES).
      returned: always
      type: str
      sample: BYTES
    total:
      description: How many there are.
      returned: always
      type: int
      sample: 10737418240
    used:
      description: How many are used.
      returned: always
      type: int
      sample: 4096
    available:
      description: How many are left.
      returned: always
      type: int
      sample: 10737414144
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
      sample: mount volume vol-0f3c61d2a7b94e58 at /srv/database (writable)
    why:
      description: Why it has to be done.
      returned: always
      type: str
      sample: nothing is mounted there
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
            "state": {"type": "str", "choices": ["mounted", "unmounted"], "default": "mounted"},
            "target_path": {"type": "str"},
            "pod_uid": {"type": "str"},
            "volume_name": {"type": "str"},
            "staging_path": {"type": "str"},
            "read_only": {"type": "bool", "default": False},
            "publish_context": {"type": "dict"},
            "size": {"type": "str"},
            "fs_group": {"type": "int"},
            "fs_group_policy": {
                "type": "str",
                "choices": ["None", "File", "ReadWriteOnceWithFSType"],
                "default": "ReadWriteOnceWithFSType",
            },
            "fs_group_change_policy": {"type": "str", "choices": ["Always", "OnRootMismatch"], "default": "Always"},
            "ephemeral": {"type": "bool", "default": False},
            "pod": {
                "type": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "namespace": {"type": "str", "required": True},
                    "service_account": {"type": "str", "default": "default"},
                },
            },
            "node_name": {"type": "str"},
            "stats": {"type": "bool", "default": False},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "stage_secrets": {"type": "dict", "no_log": True},
            "publish_secrets": {"type": "dict", "no_log": True},
            "expand_secrets": {"type": "dict", "no_log": True},
        },
        required_one_of=[["target_path", "pod_uid"]],
        mutually_exclusive=[["target_path", "pod_uid"]],
        supports_check_mode=True,
    )
    run_resource(module, "csi_mount")


if __name__ == "__main__":
    main()
