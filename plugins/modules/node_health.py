#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: node_health
short_description: Checks the health of a node, with rules of your own if you like
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Asks the container runtime, the network, the agent or kubelet, static pods and their manifests, memory, disks and
    process ids, and returns a verdict on each.
  - Fails where a verdict is as bad as O(fail_on) says.
  - A runtime, an agent or a disk that hangs is a verdict too, and not waited for longer than some seconds.
extends_documentation_fragment:
  - kubenode.node.attributes.info
  - kubenode.node.attributes.library
options:
  fail_on:
    description: The level from which the task fails. V(warning) includes what is critical.
    type: str
    choices: [warning, critical, never]
    default: critical
  only:
    description:
      - Only these checks, by name. V(*) in a name stands for any text.
      - Names are V(runtime), V(network), V(agent), V(pleg), V(manifests), V(objects), V(pods), the kubelet's eviction
        signals such as V(memory.available) and V(nodefs.available), and those of O(rules).
    type: list
    elements: str
    default: []
  exclude:
    description: All but these checks, named as in O(only).
    type: list
    elements: str
    default: []
  rules:
    description: Checks of your own.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The check's name.
        type: str
        required: true
      query:
        description:
          - A JMESPath expression that finds what is wrong. The rule is broken by anything but null, false and what is
            empty.
          - It is asked on a mapping with C(node), C(level), C(checks) as this module returns them, C(pods) as
            RV(kubenode.node.static_pod_info#module:manifests[].status), and C(manifests) and C(objects), each with
            C(source), C(state), C(reason) and C(line).
        type: str
        required: true
      level:
        description: How bad it is when the rule is broken.
        type: str
        choices: [warning, critical]
        default: warning
      says:
        description: What to say then. What was found stands behind it.
        type: str
  timeout:
    description: How many seconds all checks together may take.
    type: int
    default: 60
  config:
    description:
      - The agent's configuration file, which must be there then.
      - By default C(/etc/kubenode/config.yaml), if that is there.
    type: path
  runtime_endpoint:
    description:
      - The container runtime's socket, like V(unix:///run/containerd/containerd.sock).
      - By default that of the kubelet that runs on the node, else of O(config), else the first of those of containerd,
        CRI-O and cri-dockerd on which somebody listens.
      - The environment variable E(CONTAINER_RUNTIME_ENDPOINT) is used where this is not set.
    type: str
"""

EXAMPLES = r"""
- name: Stop where the node is in a critical condition
  kubenode.node.node_health:

- name: Be strict after a change, but for disks
  kubenode.node.node_health:
    fail_on: warning
    exclude: ["*fs.*"]
  register: health
  until: health is success
  retries: 5
  delay: 5

- name: Find pods that restart
  kubenode.node.node_health:
    only: [restarts, image-versions]
    fail_on: warning
    rules:
      - name: restarts
        query: "pods[?restarts > `5`].{pod: name, restarts: restarts}"
        says: Pods restart again and again
      - name: image-versions
        query: "pods[].containers[?ends_with(image, ':latest')].image[]"
        level: critical
        says: Images without a version

- name: Collect the checks of all nodes for a report
  kubenode.node.node_health:
    fail_on: never
  register: health
"""

RETURN = r"""
node:
  description: The node's name.
  returned: success
  type: str
  sample: node-1
level:
  description: The worst level of the checks, V(ok), V(warning) or V(critical).
  returned: success
  type: str
  sample: warning
checks:
  description: The verdicts. They are returned also when the task fails because of one.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: What was checked.
      returned: always
      type: str
      sample: runtime
    level:
      description: V(ok), V(warning) or V(critical).
      returned: always
      type: str
      sample: ok
    message:
      description: The verdict in a sentence.
      returned: always
      type: str
      sample: containerd 1.7.24 is ready
    remedy:
      description: What to do, where it is not ok and that is known.
      returned: always
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CRI_OPTIONS, run_resource

RULE = {
    "name": {"type": "str", "required": True},
    "query": {"type": "str", "required": True},
    "level": {"type": "str", "choices": ["warning", "critical"], "default": "warning"},
    "says": {"type": "str"},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "fail_on": {"type": "str", "choices": ["warning", "critical", "never"], "default": "critical"},
            "only": {"type": "list", "elements": "str", "default": []},
            "exclude": {"type": "list", "elements": "str", "default": []},
            "rules": {"type": "list", "elements": "dict", "default": [], "options": RULE},
            "timeout": {"type": "int", "default": 60},
            "config": {"type": "path"},
            "runtime_endpoint": CRI_OPTIONS["runtime_endpoint"],
        },
        supports_check_mode=True,
    )
    run_resource(module, "node_health")


if __name__ == "__main__":
    main()
