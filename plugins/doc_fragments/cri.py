# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""What the modules for the container runtime have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of CRI_OPTIONS in module_utils/_kubenode.py."""

    DOCUMENTATION = r"""
options:
  runtime_endpoint:
    description:
      - The runtime's socket, like V(unix:///run/containerd/containerd.sock).
      - By default that of C(/etc/kubenode/config.yaml), else the first of those of containerd, CRI-O and cri-dockerd on
        which somebody listens.
      - The environment variable E(CONTAINER_RUNTIME_ENDPOINT) is used where this is not set.
    type: str
  image_endpoint:
    description:
      - The socket at which images are served, where that is another one.
      - The environment variable E(IMAGE_SERVICE_ENDPOINT) is used where this is not set.
    type: str
  timeout:
    description: How many seconds one change may take. What only reads gets 10 at most, a pull of an image an hour.
    type: int
    default: 120
notes:
  - Sockets of runtimes belong to root, so tasks need C(become).
"""
