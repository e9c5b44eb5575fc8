#!/usr/bin/python
# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

from __future__ import annotations

DOCUMENTATION = r"""
module: static_pod
short_description: Puts a static pod onto a node, or takes it away
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Writes a pod's manifest into the directory that the node agent, or the kubelet, runs static pods from.
  - The manifest is validated by the very code that the agent reads it with, before anything is written.
  - Manifests are compared by meaning, and a file that differs in layout or comments only is left alone.
extends_documentation_fragment:
  - kubenode.node.attributes
  - kubenode.node.attributes.library
options:
  state:
    description: Whether the manifest should be there.
    type: str
    choices: [present, absent]
    default: present
  definition:
    description: The pod, as a dictionary. The file gets a canonical layout.
    type: dict
  content:
    description: The pod, as YAML or JSON text that is written as it stands. Errors name a line of it.
    type: str
  name:
    description:
      - The name of the manifest's file, without C(.yaml).
      - By default C(metadata.name), with C(metadata.namespace) and an underscore before it outside of the namespace
        V(default).
    type: str
  path:
    description:
      - The directory of manifests.
      - By default the C(staticPodPath) of C(/etc/kubenode/config.yaml), else C(/etc/kubernetes/manifests).
    type: path
  mode:
    description: The permissions of the file. Manifests often hold secrets.
    type: str
    default: "0600"
  wait:
    description:
      - V(running) waits until the agent reports that all containers of this version of the pod run, or have done their
        work; with O(state=absent) until nothing is left of the pod.
      - The node must have a running kubenode agent, which reads O(path).
    type: str
    choices: [none, running]
    default: none
  wait_timeout:
    description: How many seconds to wait.
    type: int
    default: 120
notes:
  - The difference that C(--diff) shows holds the whole manifest, with the values of environment variables. Set
    C(no_log) or C(diff) on the task where these are secret.
  - In check mode on a node that does not have the library yet the manifest is not validated; the module warns.
"""

EXAMPLES = r"""
- name: Run a web server
  kubenode.node.static_pod:
    definition:
      apiVersion: v1
      kind: Pod
      metadata:
        name: web
      spec:
        containers:
          - name: nginx
            image: nginx:1.29
            ports:
              - containerPort: 80
                hostPort: 80
    wait: running

- name: Run a pod from a template
  kubenode.node.static_pod:
    content: "{{ lookup('ansible.builtin.template', 'proxy.yaml.j2') }}"

- name: Stop the web server, and wait until it is gone
  kubenode.node.static_pod:
    name: web
    state: absent
    wait: running
"""

RETURN = r"""
path:
  description: The manifest's file.
  returned: success
  type: str
  sample: /etc/kubernetes/manifests/web.yaml
line:
  description: The line of the manifest that an error is about, from 1.
  returned: when a manifest was refused and the reason has a place in it
  type: int
  sample: 7
pod:
  description: The pod as the agent reports it.
  returned: with O(wait=running) and O(state=present), outside of check mode
  type: dict
  sample:
    namespace: default
    name: web-node-1
    phase: Running
    ready: 1
    ips: [10.85.0.3]
"""

import asyncio
import json
import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubenode.node.plugins.module_utils._kubenode import library


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "definition": {"type": "dict"},
            "content": {"type": "str"},
            "name": {"type": "str"},
            "path": {"type": "path"},
            "mode": {"type": "str", "default": "0600"},
            "wait": {"type": "str", "choices": ["none", "running"], "default": "none"},
            "wait_timeout": {"type": "int", "default": 120},
        },
        mutually_exclusive=[["definition", "content"]],
        required_if=[
            ["state", "present", ["definition", "content"], True],
            ["state", "absent", ["definition", "content", "name"], True],
        ],
        supports_check_mode=True,
    )
    manifests = library(module, "kubenode.agent.manifests")
    if manifests is None:
        module.exit_json(**unvalidated(module.params))
    try:
        result = run(module, manifests)
    except manifests.ManifestError as error:
        module.fail_json(msg=str(error), **({"line": error.line} if error.line else {}))
    except (manifests.KubenodeError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def run(module, manifests):
    params = module.params
    directory = Path(params["path"]) if params["path"] else manifests.manifest_directory()
    manifest = params["content"] or params["definition"]
    if params["state"] == "absent":
        change = manifests.absent(directory, params["name"], manifest)
        changed = remove(module, change)
    else:
        change = manifests.present(directory, params["name"], manifest)
        changed = write(module, change)
    result = {"changed": changed, "path": str(change.path), "diff": diff(change.path, change.before, change.after)}
    if params["wait"] == "running" and not module.check_mode:
        result.update(wait(module, library(module, "kubenode.agent.waiting"), change))
    return result


def write(module, change):
    """Whether the file, or its mode, was or would be changed."""
    path = str(change.path)
    if change.needed and not module.check_mode:
        if not change.path.parent.is_dir():
            module.fail_json(msg=f"The directory {change.path.parent} does not exist: make it, or name another (path).")
        temporary = Path(module.tmpdir, change.path.name)
        temporary.touch(mode=0o600)
        temporary.write_text(change.content, encoding="utf-8")
        module.atomic_move(str(temporary), path, keep_dest_attrs=False)
    return module.set_mode_if_different(path, module.params["mode"], change.needed) if os.path.exists(path) else True


def remove(module, change):
    if change.needed and not module.check_mode:
        change.path.unlink()
    return change.needed


def wait(module, waiting, change):
    seconds = module.params["wait_timeout"]
    if module.params["state"] == "absent":
        asyncio.run(waiting.wait_gone(change, seconds))
        return {}
    return {"pod": asyncio.run(waiting.wait_running(change, seconds))}


def unvalidated(params):
    """What check mode can tell on a node without the library: whether a file of this name holds this text."""
    name = params["name"] or ((params["definition"] or {}).get("metadata") or {}).get("name") or "pod"
    path = Path(params["path"] or "/etc/kubernetes/manifests", f"{name}.yaml")
    before = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    after = params["content"] or json.dumps(params["definition"], indent=2)
    if params["state"] == "absent":
        after = ""
    return {"changed": before != after, "path": str(path), "diff": diff(path, before, after)}


def diff(path, before, after):
    return {"before_header": str(path), "after_header": str(path), "before": before, "after": after}


if __name__ == "__main__":
    main()
