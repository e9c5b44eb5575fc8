# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""What the modules that pull images have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of PULL_OPTIONS in module_utils/_kubenode.py."""

    DOCUMENTATION = r"""
options:
  credentials:
    description:
      - Logins for registries. Those that fit an image are tried in their order, then those of O(pull_secrets) and
        O(auth_file), then none.
    type: list
    elements: dict
    suboptions:
      registry:
        description:
          - The registry, or the beginning of a repository's name in it, that the login is for, as in image pull
            secrets, like V(registry.example:5000/team) or V(*.registry.example).
          - Without it the login is for every image of the task.
        type: str
      username:
        description: The name.
        type: str
      password:
        description: The password.
        type: str
      auth:
        description: Name and password in one, joined by a colon and in base64.
        type: str
      identity_token:
        description: A token that the registry's token server takes instead of a password.
        type: str
  pull_secrets:
    description:
      - Image pull secrets, as the manifests of their Secrets, of type V(kubernetes.io/dockerconfigjson) or
        V(kubernetes.io/dockercfg). Each login in them is used for the registries that it fits, by Kubernetes' rules.
    type: list
    elements: dict
    suboptions:
      apiVersion:
        description: That of the manifest.
        type: str
        default: v1
      kind:
        description: That of the manifest.
        type: str
        default: Secret
      metadata:
        description: That of the manifest, with its C(name).
        type: dict
        required: true
      type:
        description: The type of the Secret.
        type: str
        required: true
      data:
        description: Its values, in base64.
        type: dict
      stringData:
        description: Its values, as text.
        type: dict
      immutable:
        description: Has no meaning here.
        type: bool
  auth_file:
    description: A file on the node with logins as C(docker login) writes it, like V(/root/.docker/config.json).
    type: path
  hosts_directory:
    description:
      - The directory of containerd's C(hosts.toml) files, by which a registry is found when it is asked for a digest;
        C(config_path) in containerd's configuration. Without a file for it, a registry is asked at its own name.
    type: path
    default: /etc/containerd/certs.d
"""
