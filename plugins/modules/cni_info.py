#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: cni_info
short_description: Tells what a node has of CNI, and what is wrong with it
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Reads the networks of a node, the plugins that are installed, what is attached, and which addresses C(host-local)
    has given out. The networks are checked as M(kubenode.node.cni_config) does.
  - Plugins are run to ask for their versions and, for networks of CNI 1.1 or later, for their STATUS.
extends_documentation_fragment:
  - kubenode.node.attributes.info
  - kubenode.node.attributes.library
  - kubenode.node.cni
options:
  networks:
    description: The names of the networks to tell of, with their attachments. By default all.
    type: list
    elements: str
    default: []
  plugins:
    description: Whether to ask all plugins that are in O(bin_dirs), or only those that the networks need.
    type: str
    choices: [all, needed]
    default: all
  status:
    description: Whether to ask the plugins of the networks for their STATUS.
    type: bool
    default: true
seealso:
  - module: kubenode.node.cni_config
"""

EXAMPLES = r"""
- name: See the networks of a node
  kubenode.node.cni_info:
  register: cni

- name: Fail when one of them cannot work
  ansible.builtin.assert:
    that:
      - cni.errors == []
      - cni.networks | map(attribute='problems') | flatten | selectattr('severity', 'eq', 'error') == []

- name: Warn when addresses run out
  ansible.builtin.debug:
    msg: "{{ item.subnet }} has {{ item.free }} of {{ item.total }} addresses left"
  loop: "{{ cni.networks | map(attribute='ranges') | flatten }}"
  loop_control:
    label: "{{ item.subnet }}"
  when: item.free < 20
"""

RETURN = r"""
networks:
  description: The networks, lists by the names of their files, then single plugins.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The network's name.
      returned: always
      type: str
      sample: pods
    file:
      description: Its file.
      returned: always
      type: str
      sample: /etc/cni/net.d/10-pods.conflist
    version:
      description: The version of CNI that plugins are spoken to in.
      returned: always
      type: str
      sample: 1.0.0
    first:
      description: Whether its file is the first by name, which runtimes take for their pods.
      returned: always
      type: bool
      sample: true
    plugins:
      description: Its plugins, in their order.
      returned: always
      type: list
      elements: dict
      contains:
        type:
          description: The name of the binary.
          returned: always
          type: str
          sample: bridge
        capabilities:
          description: The capabilities that are declared.
          returned: always
          type: list
          elements: str
          sample: [portMappings]
        configuration:
          description: All of its configuration.
          returned: always
          type: dict
          sample: {type: bridge, bridge: cni0}
    capabilities:
      description: The capabilities that any of its plugins declares.
      returned: always
      type: list
      elements: str
      sample: [portMappings]
    disable_check:
      description: Whether it forbids CHECK.
      returned: always
      type: bool
      sample: false
    disable_gc:
      description: Whether it forbids GC.
      returned: always
      type: bool
      sample: false
    problems:
      description: What is wrong with it.
      returned: always
      type: list
      elements: dict
      contains:
        severity:
          description: V(error) or V(warning).
          returned: always
          type: str
          sample: warning
        file:
          description: The network's file.
          returned: always
          type: str
          sample: /etc/cni/net.d/10-pods.conflist
        field:
          description: Where in the file, as a JSON path.
          returned: always
          type: str
          sample: $.plugins[1].capabilities
        message:
          description: What is wrong.
          returned: always
          type: str
          sample: portmap does not declare portMappings, so ports of pods are not mapped
        remedy:
          description: What to do.
          returned: always
          type: str
          sample: 'Add {"portMappings": true}.'
    status:
      description: What each plugin answers to STATUS. Empty with O(status=false).
      returned: always
      type: list
      elements: dict
      contains:
        plugin:
          description: The plugin's type.
          returned: always
          type: str
          sample: bridge
        state:
          description:
            - V(done) where it can attach, V(failed) where it cannot. V(unsupported) where it cannot tell, as before CNI
              1.1.
          returned: always
          type: str
          sample: unsupported
        error:
          description: Why it cannot attach; empty where it can.
          returned: always
          type: str
          sample: ""
    attachments:
      description: How many attachments the cache has.
      returned: always
      type: int
      sample: 12
    ranges:
      description: The ranges of addresses that C(host-local) gives out.
      returned: always
      type: list
      elements: dict
      contains:
        subnet:
          description: The subnet.
          returned: always
          type: str
          sample: 10.85.0.0/24
        first:
          description: The first address that can be given out.
          returned: always
          type: str
          sample: 10.85.0.1
        last:
          description: The last address that can be given out.
          returned: always
          type: str
          sample: 10.85.0.254
        gateway:
          description: The gateway's address, which no container gets.
          returned: always
          type: str
          sample: 10.85.0.1
        total:
          description: How many addresses containers can get.
          returned: always
          type: int
          sample: 253
        used:
          description: How many of them are given out.
          returned: always
          type: int
          sample: 12
        free:
          description: How many of them are left.
          returned: always
          type: int
          sample: 241
    addresses:
      description: The addresses that C(host-local) has given out.
      returned: always
      type: list
      elements: dict
      contains:
        address:
          description: The address.
          returned: always
          type: str
          sample: 10.85.0.9
        container_id:
          description: The container that has it.
          returned: always
          type: str
          sample: 3f2a91c04d7e
        ifname:
          description: The interface that has it; empty where the file does not tell.
          returned: always
          type: str
          sample: eth0
plugins:
  description: The plugins.
  returned: success
  type: list
  elements: dict
  contains:
    type:
      description: The name of the binary.
      returned: always
      type: str
      sample: bridge
    path:
      description: Where it is; empty where it is not.
      returned: always
      type: str
      sample: /usr/lib/cni/bridge
    versions:
      description: The versions of CNI that it supports.
      returned: always
      type: list
      elements: str
      sample: [0.4.0, 1.0.0]
    problem:
      description: Why it cannot be used; empty where it can.
      returned: always
      type: str
      sample: ""
attachments:
  description: What is attached, by the cache, also to networks that are not there any more.
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
      description: The path of its network namespace; empty where it is not known.
      returned: always
      type: str
      sample: /run/netns/cni-62d2b553-d68f-e7bf-cbee-b9ca710199f0
    netns_exists:
      description: Whether something is there.
      returned: always
      type: bool
      sample: true
    ips:
      description: Its addresses, with their prefixes.
      returned: always
      type: list
      elements: str
      sample: [10.85.0.9/24]
    args:
      description: The CNI_ARGS that it was attached with.
      returned: always
      type: dict
      sample: {IgnoreUnknown: "1"}
    capability_args:
      description: The capability arguments that it was attached with.
      returned: always
      type: dict
      sample: {portMappings: [{hostPort: 8443, containerPort: 443, protocol: tcp}]}
    unfinished:
      description: Whether the ADD is under way, or was killed half-way.
      returned: always
      type: bool
      sample: false
errors:
  description: Files of O(conf_dir) that hold no network.
  returned: success
  type: list
  elements: dict
  contains:
    file:
      description: The file.
      returned: always
      type: str
      sample: /etc/cni/net.d/20-broken.conflist
    field:
      description: Where in the file, as a JSON path.
      returned: always
      type: str
      sample: $.plugins
    message:
      description: What is wrong.
      returned: always
      type: str
      sample: the network has no plugins
    remedy:
      description: What to do.
      returned: always
      type: str
      sample: Add one.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CNI_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CNI_OPTIONS,
            "networks": {"type": "list", "elements": "str", "default": []},
            "plugins": {"type": "str", "choices": ["all", "needed"], "default": "all"},
            "status": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    run_resource(module, "cni_info")


if __name__ == "__main__":
    main()
