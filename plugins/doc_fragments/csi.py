# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""What the modules for storage drivers have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of CSI_OPTIONS in module_utils/_kubenode.py."""

    DOCUMENTATION = r"""
options:
  endpoint:
    description:
      - The storage driver's socket, like V(unix:///var/lib/kubelet/plugins/example.com/csi.sock).
      - A driver may serve its controller and its nodes on different sockets. Volumes, snapshots and attachments are the
        controller's, mounts the node's.
      - Where it is not set, O(driver) is looked for.
      - The environment variable E(CSI_ENDPOINT) is used where this is not set.
    type: str
  driver:
    description:
      - The driver's name, like V(hostpath.csi.k8s.io).
      - Without O(endpoint) its socket is found as the driver registered it in C(plugins_registry) below
        O(kubelet_root), or else at C(plugins/<driver>/csi.sock).
      - With O(endpoint) it is checked that this very driver answers there.
    type: str
  kubelet_root:
    description: The kubelet's, or the node agent's, root directory.
    type: path
    default: /var/lib/kubelet
  state_directory:
    description:
      - Where this node remembers volumes, snapshots, attachments and mounts, as files that only root can read. No
        secret is in them.
      - CSI has no call that finds something by its name. What was made with one name on one machine is known there.
    type: path
    default: /var/lib/kubenode/csi
  timeout:
    description: How many seconds one call may take. What a driver knows by heart gets 10 at most.
    type: int
    default: 120
  retry_timeout:
    description:
      - For how many seconds a call is made again that did not end for good, which are those that the driver answers
        with C(ABORTED), C(UNAVAILABLE), C(DEADLINE_EXCEEDED), C(CANCELLED) or C(RESOURCE_EXHAUSTED). The pauses double,
        up to 10 seconds.
      - A driver that does not answer at all when the task begins is not waited for.
    type: int
    default: 60
notes:
  - Sockets of drivers belong to root, so tasks need C(become).
  - Run all tasks for the controller of one driver on the same machine, because the records of them are there.
"""

    USE = r"""
options:
  name:
    description:
      - The volume, by the name that M(kubenode.node.csi_volume) gave it on this machine. Then its id and its context
        are known, and how it was made to be used.
      - O(name) or O(volume_id) is needed, but for what says otherwise.
    type: str
  volume_id:
    description: The volume, by the driver's id of it.
    type: str
  access_mode:
    description:
      - How it is used, in the words of Kubernetes.
      - By default as it was made on this machine, else V(ReadWriteOnce).
    type: str
    choices: [ReadWriteOnce, ReadWriteOncePod, ReadOnlyMany, ReadWriteMany]
  volume_mode:
    description:
      - Whether it has a file system or is a block device.
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
      - Options for its mounts, like V(noatime).
      - By default as it was made on this machine, else none.
    type: list
    elements: str
  volume_context:
    description:
      - What the driver said of the volume when it was made, which it wants to be told again.
      - By default as this machine remembers it.
    type: dict
"""
