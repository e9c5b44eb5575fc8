#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: cri_container
short_description: Creates, starts, stops and removes containers in a sandbox
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Puts containers into a sandbox that M(kubenode.node.cri_pod), or another tool, has made, through the CRI.
  - A list of containers is one task and one process. They are made in its order; when some fail the others are done all
    the same, and the task fails with the results of all.
  - A container cannot be changed, but for its CPU and memory, which it is given where it runs. One that differs
    otherwise is made anew under the next number of its attempt, and the difference says where it differs. The new one
    is created before the old one is stopped, so what cannot be created stops nothing.
  - A container that exited is made anew with O(state=started), as none can be started twice.
  - What a container was made from is kept in its annotation C(kubenode.io/definition). Values of its environment stand
    there as salted digests, and show so in differences. Of one that was made by other means nobody knows, so it is left
    alone unless O(force) is set.
  - Pods that come from manifests, run by kubenode's agent or a kubelet, are never changed.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
  - kubenode.node.cri
attributes:
  idempotent:
    support: partial
    details: With O(state=started) each run makes a container anew that has ended meanwhile. All else is idempotent.
options:
  pod:
    description: The name of the pod. Either this or O(pod_id) is needed.
    type: str
  namespace:
    description: The namespace of O(pod).
    type: str
    default: default
  pod_id:
    description: The id of the sandbox, or its beginning, instead of O(pod).
    type: str
  state:
    description:
      - V(created) makes the containers without starting them. One that runs, or has run, with this definition stays as
        it is.
      - V(started) makes and starts them, as far as needed.
      - V(stopped) stops those that run. It compares no definitions, and where there is none nothing is done.
      - V(absent) stops and removes them, with their logs.
    type: str
    choices: [created, started, stopped, absent]
    default: started
  containers:
    description: The containers.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the container, which in its pod says which one it is.
        type: str
        required: true
      image:
        description:
          - The image.
          - With a tag that moved, a container that is there still has the image it was made from. Name the digest to
            follow it, see the examples.
          - Left out, the container has to be there, and keeps the definition it has.
        type: str
      command:
        description: The program with its first arguments, instead of the image's entry point. There is no shell.
        type: list
        elements: str
        default: []
      args:
        description: The arguments, instead of the image's.
        type: list
        elements: str
        default: []
      env:
        description:
          - Environment variables. Their values are in no log, no difference and nothing that is returned.
          - Quote values like V("true") and V("1.10"), which YAML takes for something else; these are refused.
        type: dict
        default: {}
      working_dir:
        description: The working directory. By default the image's.
        type: str
      mounts:
        description: What is mounted into it.
        type: list
        elements: dict
        default: []
        suboptions:
          container_path:
            description: Where it appears.
            type: str
            required: true
          host_path:
            description: The file or directory of the node. Either this or O(containers[].mounts[].image) is needed.
            type: str
          image:
            description: The image whose content is mounted, for runtimes that can, like containerd 2.1.
            type: str
          image_sub_path:
            description: The path in the image. By default all of it.
            type: str
          read_only:
            description: Whether it cannot be written to.
            type: bool
            default: false
          recursive_read_only:
            description: Whether this holds for mounts below it, too. Some runtimes and kernels cannot.
            type: bool
            default: false
          propagation:
            description: Whether later mounts below it are seen on the other side.
            type: str
            choices: [None, HostToContainer, Bidirectional]
            default: None
      devices:
        description: Devices of the node.
        type: list
        elements: dict
        default: []
        suboptions:
          host_path:
            description: The device on the node.
            type: str
            required: true
          container_path:
            description: Where it appears. By default at the same path.
            type: str
          permissions:
            description: Some of C(r) (read), C(w) (write) and C(m) (make nodes).
            type: str
            default: rwm
      labels:
        description: Labels. Those that tools look containers up by, C(io.kubernetes.*), are added.
        type: dict
        default: {}
      annotations:
        description: Annotations.
        type: dict
        default: {}
      log_path:
        description:
          - Its log, below the folder of the pod.
          - By default C(<name>/<attempt>.log), as kubelets have it, which goes with the container.
        type: str
      resources:
        description: What it may use. CPU and memory can change while it runs.
        type: dict
        suboptions:
          requests:
            description: The share of CPU that it has in any case, as C(cpu). By default the limit.
            type: dict
            default: {}
          limits:
            description: Limits of C(cpu), C(memory) and huge pages like C(hugepages-2Mi), as Kubernetes writes them.
            type: dict
            default: {}
          oom_score_adj:
            description: From -1000 to 1000; what has more is killed first when memory runs out.
            type: int
            default: 0
      security:
        description: What it may do.
        type: dict
        suboptions:
          privileged:
            description: Whether it may do all that root on the node may. Its pod has to allow it, too.
            type: bool
            default: false
          run_as_user:
            description: The user ID. By default the image's.
            type: int
          run_as_group:
            description: The group ID, together with the user ID.
            type: int
          supplemental_groups:
            description: Further groups.
            type: list
            elements: int
            default: []
          capabilities:
            description: Capabilities, with or without C(CAP_).
            type: dict
            suboptions:
              add:
                description: Those that it gets beside the runtime's default.
                type: list
                elements: str
                default: []
              drop:
                description: Those that it loses; V(ALL) are all.
                type: list
                elements: str
                default: []
          read_only_root:
            description: Whether its root file system cannot be written to.
            type: bool
            default: false
          no_new_privileges:
            description: Whether its processes cannot gain rights, by set-user-ID programs for instance.
            type: bool
            default: false
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
          apparmor:
            description: Its AppArmor profile. By default the runtime's.
            type: dict
            suboptions:
              type:
                description: The kind of profile.
                type: str
                choices: [RuntimeDefault, Unconfined, Localhost]
                default: RuntimeDefault
              profile:
                description: With V(Localhost) the name of a profile that the kernel has.
                type: str
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
      stdin:
        description: Whether it has a standard input that can be attached to.
        type: bool
        default: false
      stdin_once:
        description: Whether its input ends with the first attached session.
        type: bool
        default: false
      tty:
        description: Whether it has a terminal.
        type: bool
        default: false
      stop_grace_seconds:
        description:
          - How many seconds it has to end before it is killed, at least 2. A change of this alone changes
            nothing.
          - By default what it was made with, and 30 for a new one.
        type: int
      config:
        description:
          - A C(ContainerConfig) of the CRI as C(crictl create) reads it, for what has no option here. It is merged into
            what the other options come to. Values replace theirs, lists are added to, maps are merged.
          - Fields may be spelled C(stop_signal) or C(stopSignal). One that there is not is an error.
        type: dict
        default: {}
  pull_policy:
    description:
      - Whether an image is pulled when a container is made from it, in Kubernetes' words. An image that no container is
        made from in this task is not pulled.
      - For credentials and mirrors pull with M(kubenode.node.cri_image) before.
    type: str
    choices: [Always, IfNotPresent, Never]
    default: IfNotPresent
    aliases: [pull]
  force:
    description:
      - Whether containers of these names are taken over that were made by other means, like C(crictl). Those that have
        to differ are made anew.
    type: bool
    default: false
seealso:
  - module: kubenode.node.cri_pod
  - module: kubenode.node.cri_container_info
  - module: kubenode.node.cri_exec
notes:
  - In check mode a pod that is not there yet is taken for one that an earlier task of the play makes, with a warning.
  - Command, arguments, labels and annotations are not taken for secrets. Put secrets into C(env), or into a file that
    is mounted.
  - Who can read the runtime's socket can read the environment of all containers, as with every tool.
  - Nobody starts a container again by itself; run the play again, or use M(kubenode.node.static_pod).
"""

EXAMPLES = r"""
- name: Make the pod
  kubenode.node.cri_pod:
    name: shop
    ports:
      - container_port: 8080
        host_port: 80

- name: Run its containers
  kubenode.node.cri_container:
    pod: shop
    containers:
      - name: database
        image: registry.example/postgres:17
        env:
          POSTGRES_PASSWORD: "{{ shop_password }}"
        mounts:
          - host_path: /srv/shop
            container_path: /var/lib/postgresql/data
        stop_grace_seconds: 120
      - name: web
        image: registry.example/shop:4.2
        command: [/shop, --listen, ":8080"]
        resources:
          requests:
            cpu: 250m
          limits:
            cpu: "1"
            memory: 256Mi
        security:
          run_as_user: 1000
          read_only_root: true
          no_new_privileges: true
          capabilities:
            drop: [ALL]

- name: Bring the newest image of a tag
  kubenode.node.cri_image:
    name: registry.example/shop:stable
    pull_policy: Always
  register: shop_image

- name: Follow the tag, and make the container anew only when it has moved
  kubenode.node.cri_container:
    pod: shop
    containers:
      - name: web
        image: "{{ shop_image.images[0].digest }}"

- name: Let a container end on another signal, of which only the CRI has a word
  kubenode.node.cri_container:
    pod: shop
    containers:
      - name: proxy
        image: registry.example/nginx:1.29
        config:
          stop_signal: SIGNAL_SIGQUIT

- name: Stop one container
  kubenode.node.cri_container:
    pod: shop
    state: stopped
    containers:
      - name: web

- name: Remove two
  kubenode.node.cri_container:
    pod: shop
    state: absent
    containers:
      - name: web
      - name: proxy
"""

RETURN = r"""
containers:
  description:
    - The containers that the task names and that are there, in its order, as
      RV(kubenode.node.cri_container_info#module:containers) describes them. In check mode as they are.
  returned: when the pod could be looked at
  type: list
  elements: dict
  sample:
    - id: 62e6e282e5c1657c78c3a967b36711eb3906a7c8603d71d409e7a54d87bdc1f7
      name: web
      pod: shop
      namespace: default
      attempt: 1
      state: running
      started_at: "2026-11-25T10:39:57.524013Z"
      image: registry.example/shop:4.2
actions:
  description: What was done, or would be, in order.
  returned: when something changed, or would
  type: list
  elements: dict
  contains:
    action:
      description: The action, and on what.
      type: str
      sample: create container web from registry.example/shop:4.2
    why:
      description: The reason.
      type: str
      sample: it differs in env
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CRI_OPTIONS, run_resource

HIDDEN = "VALUE_IS_NOT_SHOWN"
PROFILES = ["RuntimeDefault", "Unconfined", "Localhost"]
MOUNT = {
    "container_path": {"type": "str", "required": True},
    "host_path": {"type": "str"},
    "image": {"type": "str"},
    "image_sub_path": {"type": "str"},
    "read_only": {"type": "bool", "default": False},
    "recursive_read_only": {"type": "bool", "default": False},
    "propagation": {"type": "str", "choices": ["None", "HostToContainer", "Bidirectional"], "default": "None"},
}
DEVICE = {
    "host_path": {"type": "str", "required": True},
    "container_path": {"type": "str"},
    "permissions": {"type": "str", "default": "rwm"},
}
RESOURCES = {
    "requests": {"type": "dict", "default": {}},
    "limits": {"type": "dict", "default": {}},
    "oom_score_adj": {"type": "int", "default": 0},
}
CAPABILITIES = {
    "add": {"type": "list", "elements": "str", "default": []},
    "drop": {"type": "list", "elements": "str", "default": []},
}
SECCOMP = {
    "type": {"type": "str", "choices": PROFILES, "default": "RuntimeDefault"},
    "path": {"type": "path"},
}
APPARMOR = {
    "type": {"type": "str", "choices": PROFILES, "default": "RuntimeDefault"},
    "profile": {"type": "str"},
}
SECURITY = {
    "privileged": {"type": "bool", "default": False},
    "run_as_user": {"type": "int"},
    "run_as_group": {"type": "int"},
    "supplemental_groups": {"type": "list", "elements": "int", "default": []},
    "capabilities": {"type": "dict", "options": CAPABILITIES},
    "read_only_root": {"type": "bool", "default": False},
    "no_new_privileges": {"type": "bool", "default": False},
    "seccomp": {"type": "dict", "options": SECCOMP},
    "apparmor": {"type": "dict", "options": APPARMOR},
    "selinux": {"type": "dict", "options": {part: {"type": "str"} for part in ("user", "role", "type", "level")}},
}
CONTAINER = {
    "name": {"type": "str", "required": True},
    "image": {"type": "str"},
    "command": {"type": "list", "elements": "str", "default": []},
    "args": {"type": "list", "elements": "str", "default": []},
    "env": {"type": "dict", "default": {}},
    "working_dir": {"type": "str"},
    "mounts": {"type": "list", "elements": "dict", "default": [], "options": MOUNT},
    "devices": {"type": "list", "elements": "dict", "default": [], "options": DEVICE},
    "labels": {"type": "dict", "default": {}},
    "annotations": {"type": "dict", "default": {}},
    "log_path": {"type": "str"},
    "resources": {"type": "dict", "options": RESOURCES},
    "security": {"type": "dict", "options": SECURITY},
    "stdin": {"type": "bool", "default": False},
    "stdin_once": {"type": "bool", "default": False},
    "tty": {"type": "bool", "default": False},
    "stop_grace_seconds": {"type": "int"},
    "config": {"type": "dict", "default": {}},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CRI_OPTIONS,
            "pod": {"type": "str"},
            "namespace": {"type": "str", "default": "default"},
            "pod_id": {"type": "str"},
            "state": {"type": "str", "choices": ["created", "started", "stopped", "absent"], "default": "started"},
            "containers": {"type": "list", "elements": "dict", "required": True, "options": CONTAINER},
            "pull_policy": {
                "type": "str",
                "choices": ["Always", "IfNotPresent", "Never"],
                "default": "IfNotPresent",
                "aliases": ["pull"],
            },
            "force": {"type": "bool", "default": False},
        },
        mutually_exclusive=[["pod", "pod_id"]],
        required_one_of=[["pod", "pod_id"]],
        supports_check_mode=True,
        # Arguments are logged otherwise, and those of env must not be; no_log on env would hide every 1 of the results.
        no_log=True,
    )
    run_resource(module, "cri_container", shown=shown(module.params))


def shown(params: dict[str, Any]) -> dict[str, Any]:
    """The arguments as they may be told: without values of variables."""
    return {**params, "containers": [_shown_container(one) for one in params["containers"] or []]}


def _shown_container(container: dict[str, Any]) -> dict[str, Any]:
    told = {**container, "env": dict.fromkeys(container.get("env") or {}, HIDDEN)}
    if container.get("config"):
        told["config"] = {name: HIDDEN if name == "envs" else value for name, value in container["config"].items()}
    return told


if __name__ == "__main__":
    main()
