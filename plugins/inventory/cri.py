# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""The containers, or the pods, of nodes as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cri
short_description: The containers or pods of one node or of many as hosts
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Asks the container runtimes of nodes over CRI for their pods and containers, whoever made them, and makes each a
    host that the connection P(kubenode.node.cri#connection) reaches.
  - It runs C(kubenode containers) on every node, on many nodes at once.
  - A source is a YAML file whose name ends in C(cri.yml) or C(cri.yaml).
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [kubenode.node.cri]
  nodes:
    description:
      - The nodes. V(localhost) is this machine, of which no other connection is made.
      - Names of hosts and of groups that an inventory source before this one has are these hosts, with the variables
        that the sources, C(host_vars) and C(group_vars) give them. Sources are read in the order in which they are
        given, those of a directory in the order of their names.
      - Any other name is a host as SSH knows it.
      - A host with C(ansible_connection=local) is this machine. Every other one is reached over SSH.
    type: list
    elements: str
    default: [localhost]
  node_vars:
    description:
      - Variables of the connection to nodes, as C(ansible_user), for those that do not have them in the inventory.
      - All variables of P(ansible.builtin.ssh#connection) hold, here and for the hosts that are made.
    type: dict
    default: {}
  runtime_endpoint:
    description:
      - The runtime's socket on the nodes, like V(unix:///run/containerd/containerd.sock).
      - By default that of C(/etc/kubenode/config.yaml) there, else the first of those of containerd, CRI-O and
        cri-dockerd on which somebody listens.
      - A node's variable C(ansible_cri_runtime_endpoint) counts over it.
    type: str
    env:
      - name: KUBENODE_CRI_RUNTIME_ENDPOINT
  executable:
    description:
      - The program C(kubenode) on the nodes. By default it is looked for, as the connection does.
      - A node's variable C(ansible_cri_executable) counts over it.
    type: str
    env:
      - name: KUBENODE_CRI_EXECUTABLE
  sudo:
    description:
      - Run C(kubenode) through C(sudo -n), as sockets of runtimes belong to root.
      - A node's variable C(ansible_cri_sudo) counts over it.
    type: bool
    default: false
    env:
      - name: KUBENODE_CRI_SUDO
  timeout:
    description: How many seconds a node may take.
    type: int
    default: 30
  forks:
    description: How many nodes are asked at once.
    type: int
    default: 16
  ignore_unreachable:
    description:
      - Whether to warn of a node that does not answer, and go on without what it has. Where this is V(false), and where
        no node answers, the whole source fails.
    type: bool
    default: true
  host_unit:
    description:
      - What is a host.
      - In a pod the connection takes the only container, the one that the annotation
        C(kubectl.kubernetes.io/default-container) names, else the oldest that runs.
    type: str
    choices: [container, pod]
    default: container
  states:
    description:
      - The states to take. A container is V(created), V(running), V(exited) or V(unknown), a pod V(ready) or
        V(notready). Tasks can run in those that are running or ready.
      - Of a container that was restarted, and of pods of one name, only the newest counts.
    type: list
    elements: str
    choices: [created, running, exited, unknown, ready, notready]
    default: [running, ready]
  namespaces:
    description: The namespaces to take, as names or patterns like C(kube-*). By default all.
    type: list
    elements: str
    default: []
  pods:
    description: The names of pods to take, as names or patterns. By default all.
    type: list
    elements: str
    default: []
  containers:
    description:
      - The names of containers to take, as names or patterns. By default all.
      - With O(host_unit=pod) those pods that have one of them.
    type: list
    elements: str
    default: []
  labels:
    description: Labels with the values that a pod or container must have. A value of null takes any.
    type: dict
    default: {}
  filters:
    description:
      - Conditions on the C(cri_*) variables. The first whose condition is true decides; what none decides on is taken.
    type: list
    elements: dict
    default: []
    suboptions:
      include:
        description: A Jinja2 condition. What meets it is taken.
        type: str
      exclude:
        description: A Jinja2 condition. What meets it is left out.
        type: str
  hostname:
    description:
      - A Jinja2 expression of the C(cri_*) variables that gives the host's name.
      - By default C(cri_namespace ~ '_' ~ cri_pod ~ '_' ~ cri_container), with O(host_unit=pod) without the container.
      - Names that several nodes have get an underscore and the node's name behind them.
    type: str
  group_by:
    description:
      - The groups to make, as C(cri_namespace_kube_system), C(cri_pod_shop_web), C(cri_image_quay_io_org_app) and
        C(cri_node_node_1). The image is its repository, without tag and digest.
      - The group C(cri) has all hosts.
    type: list
    elements: str
    choices: [namespace, pod, image, node]
    default: [namespace, pod, image, node]
  group_prefix:
    description: What the names of the groups of O(group_by) begin with.
    type: str
    default: cri_
notes:
  - "The variables of a container: C(cri_node), C(cri_namespace), C(cri_pod), C(cri_pod_id), C(cri_pod_uid),
    C(cri_pod_ips), C(cri_container), C(cri_container_id), C(cri_image) (as it was asked for), C(cri_image_ref) (as the
    runtime keeps it), C(cri_state), C(cri_attempt), C(cri_created_at), C(cri_runtime_handler), C(cri_labels) (the
    pod's, with the container's over them) and C(cri_annotations) (likewise)."
  - "A pod has C(cri_containers) in place of what is of one container: a list of C(name), C(id), C(image), C(image_ref),
    C(state), C(attempt) and C(created_at)."
  - What a runtime says, as labels, is never taken for a template.
  - A container that restarts keeps its host's name. The connection finds it by its names, so a cached inventory holds
    until pods come and go.
requirements:
  - C(kubenode) on the nodes, which the role P(kubenode.node.node_agent#role) installs
seealso:
  - plugin: kubenode.node.cri
    plugin_type: connection
"""

EXAMPLES = r"""
# pods.cri.yml: all running containers of this machine
---
plugin: kubenode.node.cri

# The containers of the nodes of an inventory: ansible-inventory -i nodes.yml -i pods.cri.yml --graph
# nodes.yml has a group "nodes"; how these are reached is written there, or in group_vars.
---
plugin: kubenode.node.cri
nodes: [nodes]
sudo: true
namespaces: [kube-*, monitoring]
# Debug what restarts: ansible cri_restarted -i … -m ansible.builtin.raw -a 'cat /etc/resolv.conf'
groups:
  cri_restarted: cri_attempt > 0
keyed_groups:
  - key: cri_labels['app.kubernetes.io/name'] | default('none')
    prefix: app
compose:
  ansible_python_interpreter: "'/usr/bin/python3'"

# Pods as hosts, over SSH, as short names, and kept for five minutes.
---
plugin: kubenode.node.cri
nodes: [node-1.example.com, node-2.example.com]
node_vars:
  ansible_user: admin
  ansible_ssh_private_key_file: ~/.ssh/nodes
sudo: true
host_unit: pod
hostname: cri_pod
filters:
  - include: cri_namespace == 'shop' and cri_labels.tier | default('') == 'web'
  - exclude: true
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/ansible/pods
cache_timeout: 300
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.helpers import get_group_vars
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.vars import combine_vars
from ansible.vars.plugins import get_vars_from_inventory_sources
from ansible_collections.kubenode.node.plugins.plugin_utils._asking import (
    Listing,
    NodeError,
    Way,
    ask_all,
    ssh_variables,
)
from ansible_collections.kubenode.node.plugins.plugin_utils._facts import (
    CONNECTION,
    Facts,
    called,
    connection_of,
    facts_of,
    fits,
    groups_of,
    has_labels,
    names_of,
)
from ansible_collections.kubenode.node.plugins.plugin_utils._unsafe import unsafe

HERE = ("localhost", "127.0.0.1", "::1")
# Which host it is, the connection of a container learns otherwise.
OF_THE_HOST = {"inventory_hostname", "ansible_host", "ansible_ssh_host", "ansible_connection"}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]  # Ansible has no types
    NAME = CONNECTION

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("cri.yml", "cri.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        ways = [self._way(name, variables) for name, variables in self._nodes()]
        listings = self._listings(ways, path, cache)
        found = [
            (way, facts)
            for way in ways
            for pod in listings.get(way.name, {}).get("pods", ())
            for facts in facts_of(pod, way.name, by_pod=self.get_option("host_unit") == "pod")
            if self._wanted(facts)
        ]
        for (way, facts), name in zip(found, self._names(found), strict=True):
            self._add(name, facts, way)

    def _nodes(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each node once, with the variables that it has in the inventory so far."""
        inventory, found = self.inventory, dict[str, Mapping[str, Any]]()
        for name in self.get_option("nodes"):
            if name in inventory.groups:
                for host in inventory.groups[name].get_hosts():
                    found[host.name] = self._variables(host)
            else:
                found[name] = self._variables(inventory.hosts[name]) if name in inventory.hosts else {}
        for name, variables in found.items():
            yield name, combine_vars(self.get_option("node_vars"), variables)

    def _variables(self, host: Any) -> Mapping[str, Any]:
        sources = getattr(self.inventory, "processed_sources", [])
        groups = host.get_groups()
        variables = get_group_vars(groups)
        for entities, own in ((groups, {}), ([host], host.get_vars())):
            given = get_vars_from_inventory_sources(self.loader, sources, entities, "all")
            variables = combine_vars(variables, combine_vars(own, given))
        found: Mapping[str, Any] = variables
        return found

    def _way(self, name: str, variables: Mapping[str, Any]) -> Way:
        self.templar.available_variables = {**variables, "inventory_hostname": name}

        def value(variable: str, otherwise: Any = None) -> Any:
            return self.templar.template(variables[variable]) if variable in variables else otherwise

        def kept(variable: str) -> Any:
            """A template may be one of the node's own variables; a secret stays encrypted."""
            given = variables[variable]
            return value(variable) if isinstance(given, str) and "{" in given else given

        here = value("ansible_connection") == "local" or (name in HERE and "ansible_connection" not in variables)
        of_ssh = [] if here else [one for one in variables if one in ssh_variables() - OF_THE_HOST]
        try:
            return Way(
                name=name,
                host=None if here else str(value("ansible_host", value("ansible_ssh_host", name))),
                variables={one: value(one) for one in of_ssh},
                kept={one: kept(one) for one in of_ssh},
                runtime_endpoint=value("ansible_cri_runtime_endpoint", self.get_option("runtime_endpoint")) or "",
                executable=value("ansible_cri_executable", self.get_option("executable")) or "",
                sudo=boolean(value("ansible_cri_sudo", self.get_option("sudo"))),
            )
        except (AnsibleError, TypeError) as error:
            raise AnsibleParserError(f"The variables of node {name} cannot be read: {error}") from None

    def _listings(self, ways: list[Way], path: str, cache: bool) -> Mapping[str, Listing]:
        """What the nodes have, by their names. Those that did not answer last time are asked again, cached or not."""
        keep, key = self.get_option("cache"), self.get_cache_key(path)
        held: Mapping[str, Listing] = self._cache.get(key, {}) if keep and cache else {}
        asked = [way for way in ways if way.name not in held]
        answers = ask_all(asked, max(1, self.get_option("forks")), max(1, self.get_option("timeout")))
        problems = [f"{name}: {answer}" for name, answer in answers.items() if isinstance(answer, NodeError)]
        found = {way.name: held[way.name] for way in ways if way.name in held}
        found.update({name: answer for name, answer in answers.items() if not isinstance(answer, NodeError)})
        if problems and (not found or not self.get_option("ignore_unreachable")):
            raise AnsibleParserError("Nodes do not answer. " + "; ".join(problems))
        for problem in problems:
            self.display.warning(f"Left out of the inventory, as it does not answer: {problem}")
        if keep:
            self._cache[key] = found
        return found

    def _wanted(self, facts: Facts) -> bool:
        inner = facts.get("cri_containers", ())
        containers = [facts["cri_container"]] if "cri_container" in facts else [one["name"] for one in inner]
        return (
            facts["cri_state"] in self.get_option("states")
            and fits([facts["cri_namespace"]], self.get_option("namespaces"))
            and fits([facts["cri_pod"]], self.get_option("pods"))
            and fits(containers, self.get_option("containers"))
            and has_labels(facts["cri_labels"], self.get_option("labels"))
            and self._passes(facts)
        )

    def _passes(self, facts: Facts) -> bool:
        for one in self.get_option("filters"):
            if len(one) != 1 or not one.keys() <= {"include", "exclude"}:
                raise AnsibleParserError(
                    f"A filter has either include or exclude, and not {', '.join(one) or 'nothing'}."
                )
            ((kind, condition),) = one.items()
            if self._is_true(condition, facts):
                return bool(kind == "include")
        return True

    def _is_true(self, condition: Any, facts: Facts) -> bool:
        found = condition if isinstance(condition, bool) else self._evaluated("filters", condition, facts)
        try:
            return bool(boolean(found))
        except TypeError:
            raise AnsibleParserError(
                f"filters: {condition} is {found!r} for {called(facts)}: write a condition"
            ) from None

    def _evaluated(self, option: str, expression: Any, facts: Facts) -> Any:
        try:
            return self._compose(expression, unsafe(facts))
        except AnsibleError as error:
            raise AnsibleParserError(
                f"{option}: {expression} cannot be evaluated for {called(facts)}: {error}"
            ) from None

    def _names(self, found: list[tuple[Way, Facts]]) -> list[str]:
        """A name for each. Names that several nodes have get the node's."""
        named = [(self._name(facts), way.name) for way, facts in found]
        nodes: dict[str, set[str]] = {}
        for name, node in named:
            nodes.setdefault(name, set()).add(node)
        names = [f"{name}_{node}" if len(nodes[name]) > 1 else name for name, node in named]
        counted = Counter(names)
        for name, (way, facts) in zip(names, found, strict=True):
            if counted[name] > 1:
                raise AnsibleParserError(
                    f"hostname gives {name} for {called(facts)} on {way.name}, and for others: make it differ."
                )
        return names

    def _name(self, facts: Facts) -> str:
        expression = self.get_option("hostname")
        if expression:
            return str(self._evaluated("hostname", expression, facts))
        return "_".join(names_of(facts))

    def _add(self, name: str, facts: Facts, way: Way) -> None:
        known = self.inventory.hosts.get(name)
        if known is not None and known.get_vars().get("ansible_connection") != CONNECTION:
            raise AnsibleParserError(f"hostname gives {name}, which is another host already: make it differ.")
        self.inventory.add_host(name)
        variables = {**unsafe(facts), **connection_of(facts, way)}
        for variable, value in variables.items():
            self.inventory.set_variable(name, variable, value)
        prefix = self.get_option("group_prefix")
        for group in ("cri", *(f"{prefix}{one}" for one in groups_of(facts, self.get_option("group_by")))):
            self.inventory.add_host(name, group=self.inventory.add_group(self._sanitize_group_name(group)))
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)
