#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: node_sync
short_description: Brings the static pods of a node in line with their manifests, now
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Reads the manifests and takes one turn for every pod. Where the kubenode agent runs it is asked to; without one the
    module takes the turn itself, and holds the lock that keeps two from acting at once.
  - In check mode it tells what the turn would do, and the difference is the plan, pod by pod.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
attributes:
  check_mode:
    description: Can run in check mode and tell what it would change, changing nothing.
    support: full
    details:
      - It tells the next turn. A pod that needs several, as one whose image has to be pulled before anything else is
        known of it, may be changed by later ones, too.
  diff_mode:
    description: Shows what changed, or would change, in diff mode.
    support: full
    details: The steps stand for the difference, under each pod.
  idempotent:
    description: Run twice in a row, with nothing else at work, the second run changes nothing.
    support: partial
    details: A pod may need more than one turn. With O(wait=true) the second run changes nothing.
options:
  wait:
    description:
      - Whether to wait until every pod runs or has done its work, and none is left that no manifest gives.
      - Without an agent turns are taken until it is so.
      - The task fails as soon as nothing but pods that cannot come up is left to wait for, and names them.
    type: bool
    default: false
  wait_timeout:
    description: How many seconds to wait at most.
    type: int
    default: 120
  config:
    description:
      - The agent's configuration file, which must be there then.
      - By default C(/etc/kubenode/config.yaml), if that is there.
    type: path
  runtime_endpoint:
    description:
      - The container runtime's socket, like V(unix:///run/containerd/containerd.sock), for when no agent answers.
      - By default that of O(config), else the first of those of containerd, CRI-O and cri-dockerd on which somebody
        listens.
      - The environment variable E(CONTAINER_RUNTIME_ENDPOINT) is used where this is not set.
    type: str
notes:
  - Beside a kubelet it refuses to act, as two would undo each other's work. In check mode it tells what kubenode would
    do in its place.
seealso:
  - module: kubenode.node.static_pod
  - module: kubenode.node.node_health
"""

EXAMPLES = r"""
- name: See what the node is about to do
  kubenode.node.node_sync:
  check_mode: true
  diff: true

- name: Bring all pods in line, and wait for them
  kubenode.node.node_sync:
    wait: true
    wait_timeout: 300

- name: Be sure that the node has nothing left to do
  kubenode.node.node_sync:
  check_mode: true
  register: sync
  failed_when: sync is changed
"""

RETURN = r"""
node:
  description: The node's name.
  returned: when the node could be asked
  type: str
  sample: node-1
actions:
  description: What was done; in check mode what would be.
  returned: when something changed, or would
  type: list
  elements: dict
  contains:
    action:
      description: The pod and the step.
      returned: always
      type: str
      sample: "default/web-node-1: start container nginx"
    why:
      description: The reason for it.
      returned: always
      type: str
      sample: it does not run
pods:
  description: Every pod that has a manifest, or is there without one.
  returned: when the node could be asked
  type: list
  elements: dict
  contains:
    pod:
      description: The namespace and the name.
      returned: always
      type: str
      sample: default/web-node-1
    steps:
      description: The turn.
      returned: always
      type: list
      elements: dict
      contains:
        action:
          description: The step.
          returned: always
          type: str
          sample: start container nginx
        why:
          description: The reason for it.
          returned: always
          type: str
          sample: it does not run
        result:
          description: V(done), V(failed) or V(skipped); empty in check mode.
          returned: always
          type: str
          sample: done
        reason:
          description: Why it failed, in a word.
          returned: always
          type: str
          sample: ErrImagePull
        message:
          description: The same in a sentence.
          returned: always
          type: str
    wake_at:
      description: When the pod is looked at again at the latest, in seconds since 1970; null for no such time.
      returned: always
      type: raw
      sample: 1764066160.2
    error:
      description: Why no turn could be taken; empty where it could.
      returned: always
      type: str
    notes:
      description: What no step changes, and somebody may expect.
      returned: always
      type: list
      elements: str
      sample: [container main has ConfigMap default/web as environment and keeps its old values until it starts again]
node_steps:
  description: Steps for the node itself, such as the cgroups above its pods. Their parts are those of RV(pods[].steps).
  returned: when the node could be asked
  type: list
  elements: dict
manifests:
  description: The manifests. M(kubenode.node.static_pod_info) tells more of each.
  returned: when the node could be asked
  type: list
  elements: dict
  contains:
    source:
      description: The file, or the URL.
      returned: always
      type: str
      sample: /etc/kubernetes/manifests/web.yaml
    state:
      description: V(valid), V(invalid), V(held) or V(superseded).
      returned: always
      type: str
      sample: valid
    pod:
      description: The pod that it gives; empty for none.
      returned: always
      type: str
      sample: default/web-node-1
    reason:
      description: Why it is so.
      returned: always
      type: str
    line:
      description: The line that the reason is about; 0 for none.
      returned: always
      type: int
      sample: 0
objects:
  description: ConfigMaps and Secrets of the node, as RV(manifests), with C(object) instead of C(pod).
  returned: when the node could be asked
  type: list
  elements: dict
complete:
  description: Whether every source of pods could be read. Until then no pod is removed.
  returned: when the node could be asked
  type: bool
  sample: true
errors:
  description: Why sources of pods cannot be read. Each is a warning, too.
  returned: when the node could be asked
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CRI_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "wait": {"type": "bool", "default": False},
            "wait_timeout": {"type": "int", "default": 120},
            "config": {"type": "path"},
            "runtime_endpoint": CRI_OPTIONS["runtime_endpoint"],
        },
        supports_check_mode=True,
    )
    run_resource(module, "node_sync")


if __name__ == "__main__":
    main()
