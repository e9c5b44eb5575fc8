# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
name: k8s_quantity
short_description: A Kubernetes quantity as a number, or a number as a quantity
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Reads what manifests write as C(500m), C(1Gi), C(1e3) or C(0.5), and gives it as a number of bytes, cores or
    whatever it counts.
  - With O(to) it writes the canonical form, the one in which an API server keeps a quantity.
  - In text, what is finer than a billionth is rounded up, as Kubernetes does it.
positional: unit
options:
  _input:
    description: The quantity, as text or a number.
    type: raw
    required: true
  unit:
    description:
      - What the number counts. With V(Mi), C(1Gi) is 1024; with V(m), C(0.5) is 500.
      - Not together with O(to).
    type: str
    choices: ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
    default: ""
  to:
    description:
      - V(number) gives a number.
      - V(binary) gives text with the largest of the suffixes C(Ki) to C(Ei) that leaves a whole number. What is less
        than 1024, or not whole, is written as with V(decimal), as Kubernetes does it.
      - V(decimal) gives text with the largest of the suffixes C(n) to C(E) that leaves a whole number.
    type: str
    choices: [number, binary, decimal]
    default: number
"""

EXAMPLES = r"""
- name: Refuse a container that asks for more memory than the node has
  ansible.builtin.assert:
    that: >-
      pod.spec.containers[0].resources.requests.memory | kubenode.node.k8s_quantity('Mi')
      <= ansible_facts.memtotal_mb

- name: Show quantities as numbers, and the other way round
  ansible.builtin.debug:
    msg:
      - "{{ '500m' | kubenode.node.k8s_quantity }}"  # 0.5
      - "{{ '1Gi' | kubenode.node.k8s_quantity }}"  # 1073741824
      - "{{ 0.5 | kubenode.node.k8s_quantity('m') }}"  # 500
      - "{{ 1610612736 | kubenode.node.k8s_quantity(to='binary') }}"  # 1536Mi
      - "{{ 0.25 | kubenode.node.k8s_quantity(to='decimal') }}"  # 250m

- name: Add up what a pod's containers ask for
  ansible.builtin.debug:
    msg: >-
      {{ pod.spec.containers | map(attribute='resources.requests.cpu') | map('kubenode.node.k8s_quantity') | sum }}
"""

RETURN = r"""
_value:
  description: A number, whole where it is one; with O(to=binary) or O(to=decimal) text.
  type: raw
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.kubenode.node.plugins.plugin_utils._library import library, plain

NAME = "The filter kubenode.node.k8s_quantity"
TO = ("number", "binary", "decimal")


def k8s_quantity(value: Any, unit: str = "", to: str = "number") -> int | float | str:
    quantity = library("kubenode.model.quantity", NAME)
    if to not in TO or (unit and to != "number"):
        raise AnsibleFilterError(
            f"{NAME}: to={to!r}, unit={unit!r}: to is one of {', '.join(TO)}; unit goes with number"
        )
    try:
        # true is no quantity, though Python takes it for a number.
        exact = quantity.parse_quantity(str(plain(value)))
        if to != "number":
            return str(quantity.format_quantity(exact, binary=to == "binary"))
        number = exact / quantity.scale_of(unit)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None
    return int(number) if number == int(number) else float(number)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"k8s_quantity": k8s_quantity}
