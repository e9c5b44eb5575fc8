#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: kubelet_config
short_description: Changes fields of a KubeletConfiguration file, and checks all of it
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Merges fields into a file with a C(KubeletConfiguration) of C(kubelet.config.k8s.io/v1beta1), that of the kubenode
    agent or that of a kubelet.
  - The outcome is held against all fields of Kubernetes 1.36, their types and the kubelet's own rules, and of the
    agent's file against the agent's too, before anything is written. What feature gates allow is not checked.
  - A file in which nothing changes is left as it is, to the byte. Else only the fields at the top that change are
    written anew, so that comments elsewhere stay; those within a changed field are lost. Other documents of the file
    stay as they are written.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
options:
  state:
    description:
      - V(absent) takes the C(KubeletConfiguration) out of the file, and the file away where nothing else is in it.
    type: str
    choices: [present, absent]
    default: present
  config:
    description:
      - Fields as they should be. Mappings are merged into those of the file, lists and all else are replaced, and a
        null takes a field away. Fields that are not named stay.
    type: dict
    default: {}
  absent_fields:
    description:
      - Fields that should not be there, as dotted paths such as V(logging.vmodule) or V(evictionHard.memory.available).
    type: list
    elements: str
    default: []
  path:
    description:
      - The file. A link is followed.
      - By default C(/etc/kubenode/config.yaml), where that is there; else the one that the kubelet of this node was
        started with, else C(/var/lib/kubelet/config.yaml).
    type: path
  agent:
    description:
      - Who reads the file, which says what is checked and what a change asks for.
      - V(auto) takes it for the kubenode agent's where it is C(/etc/kubenode/config.yaml) or has a
        C(KubenodeConfiguration) in it, else for a kubelet's.
    type: str
    choices: [auto, kubenode, kubelet]
    default: auto
  mode:
    description:
      - The permissions of the file, in octal and in quotes. By default those it has, and V(0600) for a new one.
      - Its owner stays.
    type: str
  backup:
    description: Whether to keep a copy of the file that is replaced or removed, in O(backup_path).
    type: bool
    default: false
  backup_path:
    description: The directory for copies, made for root alone if need be. Copies are not removed.
    type: path
    default: /var/backups/kubenode/config
notes:
  - Nothing is restarted or reloaded. RV(restart_needed) and RV(reload_needed) are for a handler or the next task.
  - kubeadm writes its kubelets' files anew from the cluster when it upgrades a node.
  - Values of C(staticPodURLHeader) are hidden in the difference and in what is returned. Set C(no_log) on a task that
    gives them.
"""

EXAMPLES = r"""
- name: Let the agent take more pods
  kubenode.node.kubelet_config:
    config:
      maxPods: 250
      evictionHard:
        memory.available: 500Mi
  register: kubelet_config

- name: Make the agent read it
  ansible.builtin.systemd_service:
    name: kubenode
    state: "{{ 'restarted' if kubelet_config.restart_needed else 'reloaded' }}"
  when: kubelet_config.restart_needed or kubelet_config.reload_needed

- name: Rotate logs earlier on a kubelet, and keep the old file
  kubenode.node.kubelet_config:
    path: /var/lib/kubelet/config.yaml
    config:
      containerLogMaxSize: 5Mi
      containerLogMaxFiles: 3
    backup: true
  notify: Restart the kubelet

- name: Go back to defaults
  kubenode.node.kubelet_config:
    config:
      maxPods: null
    absent_fields:
      - evictionHard.memory.available

- name: Check a file, and fail where it would not do
  kubenode.node.kubelet_config:
    path: /var/lib/kubelet/config.yaml
  check_mode: true
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /etc/kubenode/config.yaml
agent:
  description: Who reads it, V(kubenode) or V(kubelet).
  returned: success
  type: str
  sample: kubenode
config:
  description: The C(KubeletConfiguration) as it is then; empty with O(state=absent).
  returned: success
  type: dict
  sample:
    apiVersion: kubelet.config.k8s.io/v1beta1
    kind: KubeletConfiguration
    staticPodPath: /etc/kubernetes/manifests
    maxPods: 250
actions:
  description: What was done; in check mode what would be.
  returned: when something changed, or would
  type: list
  elements: dict
  contains:
    action:
      description: The step.
      returned: always
      type: str
      sample: write /etc/kubenode/config.yaml
    why:
      description: The reason for it.
      returned: always
      type: str
      sample: it differs in maxPods
changed_fields:
  description: The fields that changed, or would, as dotted paths.
  returned: success
  type: list
  elements: str
  sample: [maxPods]
restart_needed:
  description: Whether a field changed that is read only when the agent or kubelet starts.
  returned: success
  type: bool
  sample: false
restart_fields:
  description:
    - Those fields. Of a kubelet these are all that changed; of the kubenode agent C(oomScoreAdj).
  returned: success
  type: list
  elements: str
  sample: []
reload_needed:
  description:
    - Whether a field changed that the kubenode agent takes up when it is reloaded. It does not reload by itself.
  returned: success
  type: bool
  sample: true
reload_fields:
  description: Those fields. Fields that have no effect in kubenode are in neither list.
  returned: success
  type: list
  elements: str
  sample: [maxPods]
backup_file:
  description: The copy of the file that was replaced or removed.
  returned: with O(backup=true), when a file was replaced or removed
  type: str
  sample: /var/backups/kubenode/config/config.yaml.2026-11-25T102240Z
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "config": {"type": "dict", "default": {}},
            "absent_fields": {"type": "list", "elements": "str", "default": []},
            "path": {"type": "path"},
            "agent": {"type": "str", "choices": ["auto", "kubenode", "kubelet"], "default": "auto"},
            "mode": {"type": "str"},
            "backup": {"type": "bool", "default": False},
            "backup_path": {"type": "path", "default": "/var/backups/kubenode/config"},
        },
        supports_check_mode=True,
    )
    run_resource(module, "kubelet_config")


if __name__ == "__main__":
    main()
