#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: static_pod_info
short_description: Tells the state of each static pod's manifest, and how its pod runs
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Reads every file of the directory of static pods as the node does, and says of each whether it is run, and if not
    why not, with line and field.
  - How the pods run is asked of the kubenode agent, or of the container runtime, also beside a kubelet. Where nobody
    answers the files are told all the same, with a warning.
extends_documentation_fragment:
  - kubenode.node.attributes.info
  - kubenode.node.attributes.library
options:
  path:
    description:
      - The directory of manifests.
      - By default the one that a kubelet which runs on the node takes pods from, by its flags and its configuration;
        else the C(staticPodPath) of O(config), or of the kubelet's file C(/var/lib/kubelet/config.yaml); else
        C(/etc/kubernetes/manifests).
    type: path
  name:
    description: Only manifests of this name. It may be the file's, with or without its ending, or the pod's, with or
      without the node's name.
    type: str
  namespace:
    description: Only manifests with a pod in this namespace.
    type: str
  states:
    description: Only manifests in one of these states. RV(manifests[].state) says what they mean.
    type: list
    elements: str
    choices: [valid, invalid, held, superseded, unreadable, empty]
  config:
    description:
      - The agent's configuration file, which must be there then.
      - By default C(/etc/kubenode/config.yaml), if that is there.
    type: path
  runtime_endpoint:
    description:
      - The container runtime's socket, like V(unix:///run/containerd/containerd.sock), for when no agent answers.
      - By default that of the kubelet, else of O(config), else the first of those of containerd, CRI-O and cri-dockerd
        on which somebody listens.
      - The environment variable E(CONTAINER_RUNTIME_ENDPOINT) is used where this is not set.
    type: str
seealso:
  - module: kubenode.node.static_pod
"""

EXAMPLES = r"""
- name: Look at all manifests
  kubenode.node.static_pod_info:
  register: manifests

- name: Stop where one of them is not run
  ansible.builtin.assert:
    that: bad | length == 0
    fail_msg: "{{ bad | map(attribute='reason') | join('; ') }}"
  vars:
    bad: "{{ manifests.manifests | rejectattr('state', 'eq', 'valid') }}"

- name: Find files that hold nothing, or a pod that another file has
  kubenode.node.static_pod_info:
    states: [empty, superseded]
  register: leftovers

- name: See whether etcd is ready
  kubenode.node.static_pod_info:
    name: etcd
    namespace: kube-system
  register: etcd
  until: etcd.manifests[0].status.phase | default('') == 'Running'
  retries: 10
  delay: 3
"""

RETURN = r"""
node:
  description: The node's name, with which its pods' names end.
  returned: success
  type: str
  sample: node-1
agent:
  description: Who runs static pods on the node, V(kubenode) or V(kubelet); empty where neither runs.
  returned: success
  type: str
  sample: kubenode
path:
  description: The directory of manifests.
  returned: success
  type: str
  sample: /etc/kubernetes/manifests
manifests:
  description: The files, in the order of their names. Files whose names begin with a dot do not count, nor directories.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      returned: always
      type: str
      sample: /etc/kubernetes/manifests/web.yaml
    state:
      description:
        - V(valid), it is run; V(invalid), it is not; V(held), it is invalid now and the agent runs its last good
          version; V(superseded), another file has its pod, or it is a backup copy by its name, which the kubenode agent
          does not run; V(unreadable); V(empty).
      returned: always
      type: str
      sample: invalid
    reason:
      description: Why it is so; empty for what is valid. No value of the manifest is in it.
      returned: always
      type: str
      sample: "$.spec.containers[0].imgae: no such field; did you mean image?"
    line:
      description: The line that the reason is about, from 1.
      returned: when the reason has a place in the file
      type: int
      sample: 7
    field:
      description: The field that the reason is about.
      returned: when the reason has a place in the file
      type: str
      sample: $.spec.containers[0].imgae
    pod:
      description: The pod that it gives.
      returned: when it is a pod that can run
      type: dict
      contains:
        name:
          description: As the manifest has it.
          returned: always
          type: str
          sample: web
        namespace:
          description: The namespace.
          returned: always
          type: str
          sample: default
        mirror_name:
          description: As the node, and in a cluster the API server, calls it.
          returned: always
          type: str
          sample: web-node-1
        uid:
          description: The UID of this version of it.
          returned: when it is known; a kubelet's is once the pod runs
          type: str
          sample: 1f0c9b4f1f6f4b0d8f7f0c2b6f0a9d3e
    status:
      description: How it runs.
      returned: when it is run, and the agent or the runtime tells
      type: dict
      contains:
        namespace:
          description: The namespace.
          returned: always
          type: str
          sample: default
        name:
          description: The pod, as the node calls it.
          returned: always
          type: str
          sample: web-node-1
        uid:
          description: The UID of the version that is told of.
          returned: always
          type: str
          sample: 1f0c9b4f1f6f4b0d8f7f0c2b6f0a9d3e
        phase:
          description: Kubernetes' phase, or V(Terminating), or V(Unknown) while the runtime does not answer.
          returned: always
          type: str
          sample: Running
        column:
          description: The condition in one word, as kubectl shows it.
          returned: always
          type: str
          sample: CrashLoopBackOff
        reason:
          description: Why it is not as it should be; empty where it is.
          returned: always
          type: str
          sample: ErrImagePull
        message:
          description: The same in a sentence.
          returned: always
          type: str
        ready:
          description: How many of its containers are ready. Beside a kubelet a probe's verdict is not known.
          returned: always
          type: int
          sample: 1
        total:
          description: How many should be.
          returned: always
          type: int
          sample: 1
        init_containers:
          description: Its init containers and sidecars, as RV(manifests[].status.containers).
          returned: always
          type: list
          elements: dict
        containers:
          description: Its containers.
          returned: always
          type: list
          elements: dict
          sample:
            - name: nginx
              kind: app
              state: running
              reason: ""
              message: ""
              ready: true
              started: true
              restarts: 0
              container_id: 3f2a91c04d7e
              image: nginx:1.29
              image_id: docker.io/library/nginx@sha256:0f04e4f6
              exit_code: 0
              started_at: 1764066160.2
              finished_at: 0
              last:
        conditions:
          description: Kubernetes' conditions of a pod, each with type, status, reason, message and since.
          returned: always
          type: list
          elements: dict
        restarts:
          description: How often its containers were started again.
          returned: always
          type: int
          sample: 0
        started_at:
          description: When the first of its containers started, in seconds since 1970; 0 for not yet.
          returned: always
          type: float
          sample: 1764066160.2
        start_time:
          description: When the node took the pod on, in seconds since 1970.
          returned: always
          type: float
          sample: 1764066160.1
        ips:
          description: Its addresses.
          returned: always
          type: list
          elements: str
          sample: [10.85.0.3]
        host_ips:
          description: The node's addresses.
          returned: always
          type: list
          elements: str
          sample: [192.0.2.11]
        qos_class:
          description: V(Guaranteed), V(Burstable) or V(BestEffort).
          returned: always
          type: str
          sample: BestEffort
        source:
          description: The manifest's file, where the agent tells.
          returned: always
          type: str
          sample: /etc/kubernetes/manifests/web.yaml
        source_state:
          description: The state of the manifest, where the agent tells.
          returned: always
          type: str
          sample: valid
        source_reason:
          description: Why it is so.
          returned: always
          type: str
        source_line:
          description: The line of the manifest that this is about; 0 for none.
          returned: always
          type: int
          sample: 0
        settled:
          description: Whether nothing is left to do for it now. A kubelet does not tell.
          returned: always
          type: bool
          sample: true
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CRI_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path"},
            "name": {"type": "str"},
            "namespace": {"type": "str"},
            "states": {
                "type": "list",
                "elements": "str",
                "choices": ["valid", "invalid", "held", "superseded", "unreadable", "empty"],
            },
            "config": {"type": "path"},
            "runtime_endpoint": CRI_OPTIONS["runtime_endpoint"],
        },
        supports_check_mode=True,
    )
    run_resource(module, "static_pod_info")


if __name__ == "__main__":
    main()
