# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
name: image_reference
short_description: The parts of an image's name
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Takes an image's name apart by the grammar that container runtimes have for it, and completes it as they do, so
    that C(busybox) and C(docker.io/library/busybox:latest) can be seen to be the same image.
  - A name that no runtime would take is an error that says what is wrong with it.
options:
  _input:
    description: The name, as a pod's C(image) has it. The ID of an image is none.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the parts of a name
  ansible.builtin.debug:
    msg: "{{ 'redis:8.2' | kubenode.node.image_reference }}"

- name: Refuse images that do not come from the company's registry
  ansible.builtin.assert:
    that: (item | kubenode.node.image_reference).registry == 'registry.example.org'
    fail_msg: "{{ (item | kubenode.node.image_reference).full }} comes from elsewhere."
  loop: "{{ pod.spec.containers | map(attribute='image') }}"

- name: Whether an image is pinned by its digest
  ansible.builtin.debug:
    msg: "{{ (image | kubenode.node.image_reference).digest is not none }}"
"""

RETURN = r"""
_value:
  description: The parts.
  type: dict
  contains:
    registry:
      description: The registry, with its port where one is written.
      type: str
      sample: docker.io
    repository:
      description: The repository in the registry.
      type: str
      sample: library/redis
    tag:
      description: The tag as it is written; null where none is.
      type: str
      sample: "8.2"
    digest:
      description: The digest as it is written; null where none is.
      type: str
    name:
      description: The repository with its registry.
      type: str
      sample: docker.io/library/redis
    familiar:
      description: The shortest form that means the same.
      type: str
      sample: redis:8.2
    full:
      description:
        - The name under which a runtime keeps the image.
        - A digest counts over a tag; where neither is written the tag is C(latest).
      type: str
      sample: docker.io/library/redis:8.2
    server:
      description: The host, with its port where one is written, that serves the registry's API.
      type: str
      sample: registry-1.docker.io
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.kubenode.node.plugins.plugin_utils._library import library, plain

NAME = "The filter kubenode.node.image_reference"


def image_reference(value: Any) -> dict[str, str | None]:
    text = plain(value)
    if not isinstance(text, str):
        raise AnsibleFilterError(f"an image's name is text, and not {type(text).__name__}")
    try:
        reference = library("kubenode.model.image_reference", NAME).parse(text)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None
    return {
        "registry": reference.domain,
        "repository": reference.path,
        "tag": reference.tag or None,
        "digest": reference.digest or None,
        "name": reference.name,
        "familiar": reference.familiar,
        "full": reference.full,
        "server": reference.registry_host,
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"image_reference": image_reference}
