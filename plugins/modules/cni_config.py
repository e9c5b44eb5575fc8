#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: cni_config
short_description: Puts a CNI network onto a node, or takes it away
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Writes a network list into the directory that the container runtime reads its networks from.
  - The network is checked before anything is written. Is every plugin there, and does it support the network's version?
    Are names and ranges of addresses its own, and are capabilities declared?
  - Networks are compared by meaning. A file that differs in layout or the order of keys is left alone.
  - A network is in one file. Others of the directory that have the same name are removed once it is written, so that a
    change of O(order) or O(filename) moves it.
  - The file is replaced whole, in the way that containerd 1.6 notices too. Runtimes take notice by themselves. Pods
    that run keep the network that they were started with.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
  - kubenode.node.cni
options:
  state:
    description: Whether the network should be there.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - The network's name. By default the C(name) in O(definition).
      - With O(state=absent) every file that has a network of this name is removed, unless O(filename) says which.
    type: str
  definition:
    description:
      - The network list, as the CNI specification has it, with C(cniVersion), C(name) and C(plugins).
      - Required with O(state=present).
    type: dict
  filename:
    description:
      - The name of the file, which ends in C(.conflist). What another network's file holds is replaced.
      - By default the file that has the network already, else one of O(order) and the network's name.
      - With O(state=absent) this file goes, whatever is in it.
    type: str
  order:
    description:
      - The number, from 0 to 99, that the file's name begins with, as in C(10-pods.conflist). Runtimes take the first
        file by name for their pods.
      - By default 10 for a new file. A file that is there keeps its name.
    type: int
  mode:
    description: The permissions of the file, in octal and in quotes. Nobody but the owner may be able to write it.
    type: str
    default: "0600"
  fail_on:
    description:
      - What the check must have found for the network to be refused. What it finds besides is warned of.
      - V(error) refuses what cannot be attached to, or gives one address to two containers.
      - V(warning) refuses also what may not work as it is meant to.
      - V(none) writes it all the same. That is for check mode on nodes where another task of the play is about to
        install the plugins.
    type: str
    choices: [error, warning, none]
    default: error
  force:
    description:
      - Whether to take away a network to which something is attached right now.
      - What is attached stays so and can be detached later, as the cache has the network.
    type: bool
    default: false
  backup:
    description: Whether to keep a copy of what is replaced or removed, in O(backup_path).
    type: bool
    default: false
  backup_path:
    description:
      - The directory for copies, made for root alone if need be. It cannot be in O(conf_dir). Copies are not removed.
    type: path
    default: /var/backups/kubenode/cni
notes:
  - The difference that C(--diff) shows holds the whole network. Set C(no_log) or C(diff) on the task where a plugin's
    configuration has secrets.
  - A bridge keeps the address that it has. A network whose subnet changes needs another bridge, or C(forceAddress), or
    nothing can be attached to it.
seealso:
  - module: kubenode.node.cni_info
  - module: kubenode.node.cni_attachment
"""

EXAMPLES = r"""
- name: A bridge for the pods of this node
  kubenode.node.cni_config:
    definition:
      cniVersion: 1.0.0
      name: pods
      plugins:
        - type: bridge
          bridge: cni0
          isGateway: true
          ipMasq: true
          ipam:
            type: host-local
            ranges: [[{subnet: "{{ pod_subnet }}"}]]
            routes: [{dst: 0.0.0.0/0}]
        - type: portmap
          capabilities: {portMappings: true}

- name: Bring a vendor's network, before all others, and keep what it replaces
  kubenode.node.cni_config:
    definition: "{{ lookup('ansible.builtin.file', 'calico.conflist') | from_json }}"
    order: 5
    backup: true

- name: Preview a network on a node that has no plugins yet
  kubenode.node.cni_config:
    definition: "{{ pod_network }}"
    fail_on: "{{ 'none' if ansible_check_mode else 'error' }}"

- name: Take a network away to which nothing is attached
  kubenode.node.cni_config:
    name: legacy
    state: absent

- name: Remove a file that no runtime can read
  kubenode.node.cni_config:
    filename: 99-broken.conf
    state: absent
"""

RETURN = r"""
path:
  description: The network's file.
  returned: success
  type: str
  sample: /etc/cni/net.d/10-pods.conflist
name:
  description: The network's name.
  returned: when it is known
  type: str
  sample: pods
version:
  description: The version of CNI that plugins are spoken to in.
  returned: with O(state=present)
  type: str
  sample: 1.0.0
problems:
  description: What the check found, also what was no reason to refuse the network.
  returned: with O(state=present)
  type: list
  elements: dict
  contains:
    severity:
      description: V(error) or V(warning).
      returned: always
      type: str
      sample: error
    file:
      description: The file, as it is or would be.
      returned: always
      type: str
      sample: /etc/cni/net.d/10-pods.conflist
    field:
      description: Where in the file, as a JSON path.
      returned: always
      type: str
      sample: $.plugins[0].type
    message:
      description: What is wrong.
      returned: always
      type: str
      sample: macvlan cannot be used
    remedy:
      description: What to do.
      returned: always
      type: str
      sample: Use a cniVersion that all plugins support, or install newer plugins.
attachments:
  description: What is attached to the network, or to one that is replaced, and has a network namespace.
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
      description: The container, or the pod's sandbox.
      returned: always
      type: str
      sample: 3f2a91c04d7e
    ifname:
      description: The interface in the container.
      returned: always
      type: str
      sample: eth0
    netns:
      description: The path of its network namespace.
      returned: always
      type: str
      sample: /run/netns/cni-62d2b553-d68f-e7bf-cbee-b9ca710199f0
backup_file:
  description: The first copy that was kept.
  returned: with O(backup=true), when something was replaced or removed
  type: str
  sample: /var/backups/kubenode/cni/10-pods.conflist.2026-11-25T101502Z
backup_files:
  description: All copies that were kept; several where a network had several files.
  returned: with O(backup=true), when something was replaced or removed
  type: list
  elements: str
  sample: [/var/backups/kubenode/cni/10-pods.conflist.2026-11-25T101502Z]
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
      sample: write network pods to /etc/cni/net.d/10-pods.conflist
    why:
      description: Why.
      returned: always
      type: str
      sample: it differs in plugins
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CNI_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CNI_OPTIONS,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str"},
            "definition": {"type": "dict"},
            "filename": {"type": "str"},
            "order": {"type": "int"},
            "mode": {"type": "str", "default": "0600"},
            "fail_on": {"type": "str", "choices": ["error", "warning", "none"], "default": "error"},
            "force": {"type": "bool", "default": False},
            "backup": {"type": "bool", "default": False},
            "backup_path": {"type": "path", "default": "/var/backups/kubenode/cni"},
        },
        required_if=[
            ["state", "present", ["definition"]],
            ["state", "absent", ["name", "definition", "filename"], True],
        ],
        supports_check_mode=True,
    )
    run_resource(module, "cni_config")


if __name__ == "__main__":
    main()
