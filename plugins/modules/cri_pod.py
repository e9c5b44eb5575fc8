#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: cri_pod
short_description: Runs, stops and removes sandboxes of a container runtime
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - A sandbox is what the containers of a pod share. This module makes it through the CRI, of which it is the
    C(RunPodSandbox); M(kubenode.node.cri_container) puts containers into it.
  - A sandbox cannot be changed. One that differs from the task is made anew, and the difference says where it differs.
  - Its containers go with it, so by default this is refused while one of them runs, see O(recreate).
  - One that died, with a reboot for instance, is made anew under the next number of its attempt, with the same UID.
  - What a sandbox was made from is kept in its annotation C(kubenode.io/definition). Of one that was made by other
    means nobody knows, so it is left alone unless O(force) is set.
  - Pods that come from manifests, run by kubenode's agent or a kubelet, are never changed.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
  - kubenode.node.cri
options:
  name:
    description: The name of the pod, which with O(namespace) says which one it is.
    type: str
    required: true
  namespace:
    description: The namespace of the pod.
    type: str
    default: default
  state:
    description:
      - V(running) makes the sandbox, or makes it anew, as far as needed.
      - V(stopped) stops its containers, each within its own grace, and then the sandbox. Where there is none nothing is
        done.
      - V(absent) removes it with its containers, its cgroup and its folder of logs, if it has these to itself.
    type: str
    choices: [running, stopped, absent]
    default: running
  recreate:
    description:
      - Whether a sandbox that runs, and differs from the task, is made anew.
      - V(idle) does so while none of its containers runs, and fails otherwise.
      - V(always) stops and removes its containers with it. They have to be put there again.
      - V(never) fails.
    type: str
    choices: [idle, always, never]
    default: idle
  force:
    description: Whether a pod of this name is taken over that was made by other means, like C(crictl).
    type: bool
    default: false
  beside_kubelet:
    description:
      - Whether a sandbox is made on a node where a kubelet runs.
      - A kubelet stops and removes every sandbox of its runtime that it does not know, whatever labels that has, within
        seconds. Set this where it uses another runtime.
    type: bool
    default: false
  uid:
    description: The pod's UID. By default one that stays the same for this name on this node.
    type: str
  hostname:
    description: The host name in the pod. By default the first part of O(name).
    type: str
  labels:
    description: Labels. Those that tools look pods up by, C(io.kubernetes.pod.*), are added.
    type: dict
    default: {}
  annotations:
    description: Annotations.
    type: dict
    default: {}
  ports:
    description: Ports of the node that lead to the pod, by the node's CNI network.
    type: list
    elements: dict
    default: []
    suboptions:
      container_port:
        description: The port in the pod.
        type: int
        required: true
      host_port:
        description: The port of the node.
        type: int
        required: true
      host_ip:
        description: The address of the node. By default all.
        type: str
      protocol:
        description: The protocol.
        type: str
        choices: [TCP, UDP, SCTP]
        default: TCP
  dns:
    description: The lines of C(/etc/resolv.conf) in the pod. By default the node's.
    type: dict
    suboptions:
      servers:
        description: Addresses of name servers.
        type: list
        elements: str
        default: []
      searches:
        description: Domains to search in.
        type: list
        elements: str
        default: []
      options:
        description: Options like V(ndots:5).
        type: list
        elements: str
        default: []
  host_network:
    description: Whether the pod uses the node's network.
    type: bool
    default: false
  host_pid:
    description: Whether its containers see the node's processes.
    type: bool
    default: false
  host_ipc:
    description: Whether its containers share the node's IPC.
    type: bool
    default: false
  share_process_namespace:
    description: Whether its containers see each other's processes.
    type: bool
    default: false
  sysctls:
    description: Kernel parameters of the pod's namespaces, like C(net.core.somaxconn).
    type: dict
    default: {}
  log_directory:
    description:
      - The folder of its containers' logs. It is made where it is missing, and stays when the pod goes.
      - By default C(/var/log/pods/<namespace>_<name>_<uid>), as kubelets have it, which goes with the pod. The
        agent's configuration can name another place for these.
    type: path
  cgroup_parent:
    description:
      - The cgroup of the pod, a path with the driver cgroupfs, the name of a slice with systemd. It stays when the pod
        goes.
      - By default one of the pod's own below C(kubenode), which goes with it.
    type: str
  runtime_handler:
    description: The runtime's handler, like V(kata). By default the runtime's own.
    type: str
  security:
    description: What the pod may do.
    type: dict
    suboptions:
      privileged:
        description: Whether privileged containers may be put into it.
        type: bool
        default: false
      run_as_user:
        description: The user ID of the sandbox's own process.
        type: int
      run_as_group:
        description: Its group ID.
        type: int
      supplemental_groups:
        description: Its further groups.
        type: list
        elements: int
        default: []
      seccomp:
        description: Its seccomp profile.
        type: dict
        suboptions:
          type:
            description: The kind of profile.
            type: str
            choices: [RuntimeDefault, Unconfined, Localhost]
            default: RuntimeDefault
          path:
            description: With V(Localhost) the profile's file on the node.
            type: path
      selinux:
        description: Its SELinux label.
        type: dict
        suboptions:
          user:
            description: The label's user.
            type: str
          role:
            description: The label's role.
            type: str
          type:
            description: The label's type.
            type: str
          level:
            description: The label's level.
            type: str
  config:
    description:
      - A C(PodSandboxConfig) of the CRI as C(crictl runp) reads it, for what has no option here. It is merged into what
        the other options come to. Values replace theirs, lists are added to, maps are merged.
      - Fields may be spelled C(cgroup_parent) or C(cgroupParent). One that there is not is an error.
    type: dict
    default: {}
seealso:
  - module: kubenode.node.cri_container
  - module: kubenode.node.cri_pod_info
  - module: kubenode.node.static_pod
    description: For pods that somebody is to keep running.
notes:
  - Nobody starts a sandbox or its containers again by itself, after a reboot for instance; run the play again, or use
    M(kubenode.node.static_pod).
  - A running kubenode agent leaves these pods alone.
"""

EXAMPLES = r"""
- name: Make a sandbox that is reached at port 8080 of the node
  kubenode.node.cri_pod:
    name: web
    ports:
      - container_port: 80
        host_port: 8080

- name: Run a web server in it
  kubenode.node.cri_container:
    pod: web
    containers:
      - name: server
        image: registry.example/nginx:1.29

- name: Make a sandbox in the node's network for a tool that looks at it
  kubenode.node.cri_pod:
    name: probe
    namespace: tools
    host_network: true
    host_pid: true
    security:
      privileged: true

- name: Give it another port, with a short outage of what runs in it
  kubenode.node.cri_pod:
    name: web
    recreate: always
    ports:
      - container_port: 80
        host_port: 8081

- name: Set what only the CRI has a word for
  kubenode.node.cri_pod:
    name: mapped
    config:
      linux:
        security_context:
          namespace_options:
            userns_options:
              mode: POD
              uids: [{host_id: 100000, container_id: 0, length: 65536}]
              gids: [{host_id: 100000, container_id: 0, length: 65536}]

- name: Remove a pod and all that it has
  kubenode.node.cri_pod:
    name: web
    state: absent
"""

RETURN = r"""
pod:
  description: The sandbox, as RV(kubenode.node.cri_pod_info#module:pods) describes it. In check mode as it is.
  returned: when there is one
  type: dict
  sample:
    id: 9c1f2b8a5d0e4f63a7b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f50617
    name: web
    namespace: default
    uid: 053561d3-7c09-521e-970a-ae592f8620ee
    attempt: 0
    state: ready
    owner: module
    created_at: "2026-11-25T10:39:57.501656Z"
    ips: [10.85.0.7]
actions:
  description: What was done, or would be, in order.
  returned: when something changed, or would
  type: list
  elements: dict
  contains:
    action:
      description: The action, and on what.
      type: str
      sample: run sandbox default/web, attempt 1
    why:
      description: The reason.
      type: str
      sample: it differs in ports
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CRI_OPTIONS, run_resource

PORT = {
    "container_port": {"type": "int", "required": True},
    "host_port": {"type": "int", "required": True},
    "host_ip": {"type": "str"},
    "protocol": {"type": "str", "choices": ["TCP", "UDP", "SCTP"], "default": "TCP"},
}
DNS = {
    "servers": {"type": "list", "elements": "str", "default": []},
    "searches": {"type": "list", "elements": "str", "default": []},
    "options": {"type": "list", "elements": "str", "default": []},
}
SECCOMP = {
    "type": {"type": "str", "choices": ["RuntimeDefault", "Unconfined", "Localhost"], "default": "RuntimeDefault"},
    "path": {"type": "path"},
}
SECURITY = {
    "privileged": {"type": "bool", "default": False},
    "run_as_user": {"type": "int"},
    "run_as_group": {"type": "int"},
    "supplemental_groups": {"type": "list", "elements": "int", "default": []},
    "seccomp": {"type": "dict", "options": SECCOMP},
    "selinux": {"type": "dict", "options": {part: {"type": "str"} for part in ("user", "role", "type", "level")}},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CRI_OPTIONS,
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str", "default": "default"},
            "state": {"type": "str", "choices": ["running", "stopped", "absent"], "default": "running"},
            "recreate": {"type": "str", "choices": ["idle", "always", "never"], "default": "idle"},
            "force": {"type": "bool", "default": False},
            "beside_kubelet": {"type": "bool", "default": False},
            "uid": {"type": "str"},
            "hostname": {"type": "str"},
            "labels": {"type": "dict", "default": {}},
            "annotations": {"type": "dict", "default": {}},
            "ports": {"type": "list", "elements": "dict", "default": [], "options": PORT},
            "dns": {"type": "dict", "options": DNS},
            "host_network": {"type": "bool", "default": False},
            "host_pid": {"type": "bool", "default": False},
            "host_ipc": {"type": "bool", "default": False},
            "share_process_namespace": {"type": "bool", "default": False},
            "sysctls": {"type": "dict", "default": {}},
            "log_directory": {"type": "path"},
            "cgroup_parent": {"type": "str"},
            "runtime_handler": {"type": "str"},
            "security": {"type": "dict", "options": SECURITY},
            "config": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    run_resource(module, "cri_pod")


if __name__ == "__main__":
    main()
