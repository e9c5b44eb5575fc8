# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
name: static_pod_name
short_description: The name that a static pod has on its node
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - A node runs the pod of a manifest under the manifest's name with the node's behind it. So is its mirror pod called,
    which an API server shows.
positional: node
options:
  _input:
    description: The name in the manifest, or the whole manifest as a dictionary.
    type: raw
    required: true
  node:
    description: The node's name, as it is registered with the API server. It is taken in lower case.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the name of the mirror pod
  ansible.builtin.debug:
    msg: "{{ 'kube-apiserver' | kubenode.node.static_pod_name(inventory_hostname) }}"  # kube-apiserver-node-1

- name: Wait for the static pod of a manifest to be ready, as the API server sees it
  ansible.builtin.command:
    argv:
      - kubectl
      - wait
      - "--namespace={{ pod.metadata.namespace | default('default') }}"
      - --for=condition=Ready
      - "pod/{{ pod | kubenode.node.static_pod_name(node_name) }}"
  changed_when: false
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The pod's name on the node.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.kubenode.node.plugins.plugin_utils._library import library, plain

NAME = "The filter kubenode.node.static_pod_name"


def static_pod_name(value: Any, node: Any) -> str:
    given, node_name = plain(value), plain(node)
    metadata = given.get("metadata") if isinstance(given, Mapping) else {"name": given}
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(name, str) or not name:
        raise AnsibleFilterError("the pod has no name: give it one in metadata.name, or give the name alone")
    if not isinstance(node_name, str) or not node_name:
        raise AnsibleFilterError("the node's name is missing: give it in parentheses")
    return str(library("kubenode.model.static_pod", NAME).static_pod_name(name, node_name))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"static_pod_name": static_pod_name}
