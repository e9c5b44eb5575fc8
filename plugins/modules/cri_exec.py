#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: cri_exec
short_description: Runs a command in a container
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Runs one command in a container that runs, over the CRI of the runtime, whoever made the container.
  - No shell is involved, in the container neither, so images without any will do. A shell can be the command.
  - It runs as the user, with the environment and in the working directory that the container has; CRI knows no other.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
  - kubenode.node.cri
attributes:
  check_mode:
    support: partial
    details: The options are checked, and the task is skipped then, as what a command would change cannot be told.
  diff_mode:
    support: none
    details: What a command changes cannot be told.
  idempotent:
    support: none
    details: A command runs each time. Say with C(changed_when) whether it changed something.
options:
  argv:
    description: The program and its arguments, an element each. Nothing is split or expanded.
    type: list
    elements: str
    required: true
  pod:
    description:
      - The pod, as C([namespace/]pod[/container]), less of it where that is enough.
      - A static pod is found with its node's name at its end and without.
      - Without a container it is the only one, the one that the annotation C(kubectl.kubernetes.io/default-container)
        names, else the oldest that runs.
      - Either this or O(container_id) is needed.
    type: str
  namespace:
    description: The pod's namespace, where O(pod) does not have it.
    type: str
  container:
    description: The container, where O(pod) does not have it.
    type: str
  container_id:
    description: The container's id, or as much of its beginning as no other has.
    type: str
  stdin:
    description:
      - What the command gets as its standard input. Without it the input is empty.
      - With it, be it empty, the command's output is streamed, as much as it is. Without it runtimes hand over 16 MiB
        at most, and the task fails where there is more.
    type: str
  stdin_add_newline:
    description: Whether O(stdin) gets a newline at its end, where it has none and is not empty.
    type: bool
    default: true
  strip_empty_ends:
    description: Whether ends of lines are taken off the end of RV(stdout) and RV(stderr), where O(encoding=text).
    type: bool
    default: true
  command_timeout:
    description:
      - How many seconds the command may take; V(0) is as many as it wants.
      - A command that takes longer fails the task. Without O(stdin) the runtime kills it then; with O(stdin) CRI has no
        means for that, and it may go on.
    type: int
    default: 0
  encoding:
    description:
      - How RV(stdout) and RV(stderr) are returned. V(text) reads them as UTF-8, with U+FFFD for what is not.
      - V(base64) keeps every byte, as of an archive; the filter P(ansible.builtin.b64decode#filter) makes text of it.
    type: str
    choices: [text, base64]
    default: text
notes:
  - O(timeout) is that of the runtime's answers, and not of the command.
  - Arguments can be seen by who lists processes on the node. Hand secrets over with O(stdin), and set C(no_log).
  - containerd 1.6 may never tell that a command has ended that leaves more than about 64 KiB of its input unread. Set
    O(command_timeout) where that can happen.
seealso:
  - plugin: kubenode.node.cri
    plugin_type: connection
    description: Runs any task in a container.
  - module: ansible.builtin.command
"""

EXAMPLES = r"""
- name: Ask etcd for its health
  kubenode.node.cri_exec:
    pod: kube-system/etcd
    argv:
      - etcdctl
      - --cacert=/etc/kubernetes/pki/etcd/ca.crt
      - --cert=/etc/kubernetes/pki/etcd/server.crt
      - --key=/etc/kubernetes/pki/etcd/server.key
      - endpoint
      - health
    command_timeout: 10
  changed_when: false

- name: Feed a schema to a database
  kubenode.node.cri_exec:
    pod: db
    namespace: shop
    container: postgres
    argv: [psql, --username=shop, --set=ON_ERROR_STOP=1]
    stdin: "{{ lookup('ansible.builtin.file', 'schema.sql') }}"

- name: Take a dump, byte by byte
  kubenode.node.cri_exec:
    pod: shop/db/postgres
    argv: [pg_dump, --username=shop, --format=custom]
    encoding: base64
  register: dump
  changed_when: false

- name: Look whether a file is there, with a shell
  kubenode.node.cri_exec:
    container_id: 3f2a91c04d7e
    argv: [sh, -c, 'test -e "$1"', sh, /var/lib/data/ready]
  register: ready
  changed_when: false
  failed_when: ready.rc | default(2) not in [0, 1]
"""

RETURN = r"""
cmd:
  description: The command, as it was given.
  returned: when it was run
  type: list
  elements: str
  sample: [cat, /etc/hostname]
rc:
  description: Its exit code. Any but 0 fails the task.
  returned: when it ended
  type: int
  sample: 0
stdout:
  description: What it wrote to its standard output.
  returned: when it ended
  type: str
  sample: web
stdout_lines:
  description: The same, line by line.
  returned: when it ended
  type: list
  elements: str
  sample: [web]
stderr:
  description: What it wrote to its standard error.
  returned: when it ended
  type: str
  sample: ""
stderr_lines:
  description: The same, line by line.
  returned: when it ended
  type: list
  elements: str
  sample: []
start:
  description: When it began, by the node's clock, in UTC.
  returned: when it ended
  type: str
  sample: "2026-11-25 10:22:40.123456"
end:
  description: When it ended.
  returned: when it ended
  type: str
  sample: "2026-11-25 10:22:40.163456"
delta:
  description: How long it took.
  returned: when it ended
  type: str
  sample: "0:00:00.040000"
namespace:
  description: The namespace of the pod that it ran in.
  returned: when it ended
  type: str
  sample: shop
pod:
  description: The pod that it ran in.
  returned: when it ended
  type: str
  sample: web
container:
  description: The container that it ran in.
  returned: when it ended
  type: str
  sample: app
container_id:
  description: The id of this container.
  returned: when it ended
  type: str
  sample: 3f2a91c04d7e5e6a1f0c9b8d7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e2d1c0b9a8f
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CRI_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CRI_OPTIONS,
            "argv": {"type": "list", "elements": "str", "required": True},
            "pod": {"type": "str"},
            "namespace": {"type": "str"},
            "container": {"type": "str"},
            "container_id": {"type": "str"},
            "stdin": {"type": "str"},
            "stdin_add_newline": {"type": "bool", "default": True},
            "strip_empty_ends": {"type": "bool", "default": True},
            "command_timeout": {"type": "int", "default": 0},
            "encoding": {"type": "str", "choices": ["text", "base64"], "default": "text"},
        },
        mutually_exclusive=[["pod", "container_id"], ["namespace", "container_id"], ["container", "container_id"]],
        required_one_of=[["pod", "container_id"]],
        supports_check_mode=True,
    )
    run_resource(module, "cri_exec")


if __name__ == "__main__":
    main()
