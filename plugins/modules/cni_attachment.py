#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: cni_attachment
short_description: Attaches a network namespace to a CNI network, or detaches it
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Calls the plugins of a network as container runtimes do, for a namespace that is no pod, as of a router or of a
    process of its own. ADD attaches, CHECK looks, DEL detaches.
  - What is attached is kept in the cache of libcni. It is compared with what is wanted, and what differs is detached
    just as it was attached, and attached anew. That is when the namespace, O(args), O(capability_args) or the network's
    file differ, or when the namespace has no such interface any more, as after a reboot.
  - An ADD that fails is undone. One that was killed half-way is undone by the next task for the same interface, once
    none of its plugins runs any more.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
  - kubenode.node.cni
options:
  state:
    description:
      - V(present) has it attached as it is described here.
      - V(absent) has it detached, by the network as it was when it was attached. What neither the cache nor a
        killed ADD tells of is not attached.
    type: str
    choices: [present, absent]
    default: present
  network:
    description: The network's name, in O(conf_dir).
    type: str
    required: true
  container_id:
    description: What plugins know the container by. Letters, digits, C(_), C(.) and C(-).
    type: str
    required: true
  ifname:
    description: The name of the interface in the namespace, at most 15 bytes.
    type: str
    default: eth0
  netns:
    description:
      - The network namespace, as a path, or as a name in C(/run/netns).
      - Either this or O(pid) is required with O(state=present).
    type: str
  pid:
    description: A process in the network namespace.
    type: int
  args:
    description: CNI_ARGS, as a dictionary. Plugins refuse those that they do not know, unless C(IgnoreUnknown) is V(1).
    type: dict
    default: {}
  capability_args:
    description:
      - What plugins get of the capabilities that they declare, as CNI's conventions have it. Well known are
        C(portMappings), C(ips), C(mac), C(bandwidth), C(ipRanges), C(dns), C(aliases), C(infinibandGUID), C(deviceID)
        and C(cgroupPath).
      - One that no plugin of the network declares is refused.
    type: dict
    default: {}
  verify:
    description:
      - Whether the plugins are asked by CHECK, in check mode too.
      - V(fail) fails when they find something wrong, V(reattach) attaches it anew. What was just attached is checked as
        well.
      - Networks before CNI 0.4.0, and those with C(disableCheck), cannot be asked; the module warns.
    type: str
    choices: [none, fail, reattach]
    default: none
notes:
  - Pods get their network from the container runtime. Do not attach or detach what is a runtime's.
  - With the C(portmap) of Debian 12 (1.1.1) CHECK fails for attachments with C(portMappings), although the ports work.
  - In check mode a namespace that is not there gives a warning, as another task may be about to make it.
seealso:
  - module: kubenode.node.cni_config
  - module: kubenode.node.cni_gc
"""

EXAMPLES = r"""
- name: Give a router's namespace an address of its own choice, and a port of the node
  kubenode.node.cni_attachment:
    network: backend
    container_id: router-1
    netns: router-1
    capability_args:
      ips: [10.85.0.7/24]
      portMappings:
        - {hostPort: 8443, containerPort: 443, protocol: tcp}
  register: router

- name: Tell its addresses
  ansible.builtin.debug:
    var: router.ips

- name: Attach the namespace of a process, and be sure that it works
  kubenode.node.cni_attachment:
    network: backend
    container_id: probe
    ifname: net1
    pid: "{{ probe_pid }}"
    args:
      IgnoreUnknown: 1
    verify: reattach

- name: Detach it, whether or not the process is still there
  kubenode.node.cni_attachment:
    network: backend
    container_id: probe
    ifname: net1
    state: absent
"""

RETURN = r"""
network:
  description: The network's name.
  returned: success
  type: str
  sample: backend
container_id:
  description: The container.
  returned: success
  type: str
  sample: router-1
ifname:
  description: The interface in the namespace.
  returned: success
  type: str
  sample: eth0
netns:
  description: The path of the network namespace.
  returned: with O(state=present)
  type: str
  sample: /run/netns/router-1
ips:
  description: The addresses, with their prefixes.
  returned: with O(state=present), when it is attached
  type: list
  elements: str
  sample: [10.85.0.7/24]
result:
  description: The result of ADD as the CNI specification has it, in the network's version.
  returned: with O(state=present), when it is attached
  type: dict
  sample:
    cniVersion: 1.0.0
    interfaces:
      - {name: eth0, mac: "da:ef:62:7e:96:e6", sandbox: /run/netns/router-1}
    ips:
      - {address: 10.85.0.7/24, gateway: 10.85.0.1, interface: 0}
checked:
  description: Whether the plugins were asked by CHECK.
  returned: with O(state=present)
  type: bool
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
      sample: attach router-1 eth0 to network backend
    why:
      description: Why.
      returned: always
      type: str
      sample: it is not attached
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CNI_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CNI_OPTIONS,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "network": {"type": "str", "required": True},
            "container_id": {"type": "str", "required": True},
            "ifname": {"type": "str", "default": "eth0"},
            "netns": {"type": "str"},
            "pid": {"type": "int"},
            "args": {"type": "dict", "default": {}},
            "capability_args": {"type": "dict", "default": {}},
            "verify": {"type": "str", "choices": ["none", "fail", "reattach"], "default": "none"},
        },
        mutually_exclusive=[["netns", "pid"]],
        required_if=[["state", "present", ["netns", "pid"], True]],
        supports_check_mode=True,
    )
    run_resource(module, "cni_attachment")


if __name__ == "__main__":
    main()
