#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: cri_image_info
short_description: Tells of the images of a container runtime
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Lists the images that a node holds, through the CRI of its container runtime, with who uses them.
  - All conditions that are given must hold. Nothing given means all images.
extends_documentation_fragment:
  - kubenode.node.attributes.info
  - kubenode.node.attributes.library
  - kubenode.node.cri
options:
  name:
    description:
      - Only these, by a name, which is completed as everywhere, by an ID, or by a pattern with V(*), V(?) and V([abc])
        for complete names, like V(registry.example/*:stable).
      - What is not there is not in the answer, and no error.
    type: list
    elements: str
  pinned:
    description: Only those that are pinned, or that are not.
    type: bool
  in_use:
    description: Only those that containers of any state were made from, or none was.
    type: bool
  tagged:
    description: Only those with a tag, or without.
    type: bool
  config:
    description: Tell each image's configuration, too. It takes a call an image.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: See what takes space and is not used
  kubenode.node.cri_image_info:
    in_use: false
    pinned: false
  register: unused

- name: Tell how much it is
  ansible.builtin.debug:
    msg: "{{ unused.images | length }} images of {{ unused.bytes | human_readable }}"

- name: See the entry point of an image
  kubenode.node.cri_image_info:
    name: registry.example/web:1.2
    config: true
"""

RETURN = r"""
images:
  description: The images, by name.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The image's ID.
      returned: always
      type: str
      sample: sha256:3f57d9401f8d42f986df300f0c69192fc41da28ccc8d797829467780db3dd741
    tags:
      description: All tags of the image, complete.
      returned: always
      type: list
      elements: str
      sample: ["registry.example/web:1.2", "registry.example/web:stable"]
    digests:
      description: Its digests in the repositories that it came from.
      returned: always
      type: list
      elements: str
      sample: ["registry.example/web@sha256:9e2bbca079387d7965c3a9cee6d0c53f4f4e63ff7637877a83c4c05f2a666112"]
    size:
      description: Bytes, as the runtime tells them.
      returned: always
      type: int
      sample: 2224229
    pinned:
      description: Whether it is kept from being collected as garbage.
      returned: always
      type: bool
      sample: false
    user:
      description: The user that its containers run as unless told otherwise, by number or name. Empty is root.
      returned: always
      type: str
      sample: "65534"
    used_by:
      description: The containers that were made from it, of any state.
      returned: always
      type: list
      elements: str
      sample: ["default/web-node-1/httpd"]
    config:
      description:
        - The configuration in the image, as the OCI image specification has it. Empty where the runtime does not tell;
          containerd does.
      returned: with O(config=true)
      type: dict
      sample:
        Entrypoint: [/bin/httpd]
        User: "65534"
bytes:
  description: The sizes of all these images together. Layers that several share are counted once for each.
  returned: success
  type: int
  sample: 2224229
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import CRI_OPTIONS, run_resource


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **CRI_OPTIONS,
            "name": {"type": "list", "elements": "str"},
            "pinned": {"type": "bool"},
            "in_use": {"type": "bool"},
            "tagged": {"type": "bool"},
            "config": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run_resource(module, "cri_image_info")


if __name__ == "__main__":
    main()
