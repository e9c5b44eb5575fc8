# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
name: pod_qos
short_description: The QoS class of a pod
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Computes the class from the CPU and memory that a pod requests and is limited to, as the node agent does, which puts
    the pod into a cgroup of that class and evicts by it.
  - V(Guaranteed) has a limit of CPU and of memory for every container, init containers too, and requests no less.
    V(BestEffort) has neither requests nor limits of the two. All else is V(Burstable). Where the pod has resources as a
    whole (C(spec.resources)), only these count.
options:
  _input:
    description:
      - The pod, or anything with a pod's C(spec) in C(spec.template), like a DaemonSet.
      - Only the resources of its containers are read; the rest need not be valid.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse a static pod that the node may evict first
  ansible.builtin.assert:
    that: pod | kubenode.node.pod_qos != 'BestEffort'
  vars:
    pod: "{{ lookup('ansible.builtin.file', 'web.yaml') | from_yaml }}"

- name: The containers of a node whose pods are guaranteed what they ask for
  ansible.builtin.debug:
    msg: "{{ pods | selectattr('metadata.name', 'in', guaranteed) }}"
  vars:
    guaranteed: >-
      {{ pods | map('kubenode.node.pod_qos') | zip(pods | map(attribute='metadata.name'))
      | selectattr(0, 'eq', 'Guaranteed') | map(attribute=1) }}
"""

RETURN = r"""
_value:
  description: The class.
  type: str
  choices: [Guaranteed, Burstable, BestEffort]
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.kubenode.node.plugins.plugin_utils._library import library, plain

NAME = "The filter kubenode.node.pod_qos"


def pod_qos(value: Any) -> str:
    definition = plain(value)
    if not isinstance(definition, Mapping):
        raise AnsibleFilterError(f"a pod is a dictionary, and not {type(definition).__name__}")
    requests = library("kubenode.model.requests", NAME)
    try:
        return str(requests.qos_class_of(definition))
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"pod_qos": pod_qos}
