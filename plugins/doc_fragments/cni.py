# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""What the modules for networks have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of CNI_OPTIONS in module_utils/_kubenode.py."""

    DOCUMENTATION = r"""
options:
  conf_dir:
    description: The directory of networks.
    type: path
    default: /etc/cni/net.d
  bin_dirs:
    description: The directories of plugins. Of a plugin that is in several the first counts.
    type: list
    elements: path
    default: [/opt/cni/bin, /usr/lib/cni]
  cache_dir:
    description:
      - Where it is kept what is attached, in C(results) below it. Container runtimes use the same.
      - Here, in C(kubenode-begun), is written down what is about to be attached, so that it can be undone when that is
        cut off.
    type: path
    default: /var/lib/cni
  plugin_timeout:
    description: How many seconds one call of a plugin may take. Then it is killed.
    type: int
    default: 60
notes:
  - Plugins change interfaces and firewalls, so tasks need C(become).
"""
