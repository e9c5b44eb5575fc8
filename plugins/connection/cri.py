# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Tasks in containers, through the container runtime of their node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cri
short_description: Runs tasks inside a container of a pod
version_added: 0.1.0
author:
  - The kubenode authors (@kubenode)
description:
  - Runs tasks in a container through the CRI of the runtime that holds it, named by its pod. Nothing but the runtime is
    asked, so it works on nodes with the kubenode agent, with the upstream kubelet, and with neither.
  - The runtime is that of the controller, or that of O(node), which is reached over Ansible's own SSH connection.
  - Everything runs C(kubenode exec) on the node.
  - "The container needs: a POSIX shell for every task (C(/bin/sh), or C(ansible_shell_executable)); C(cat) for files
    that are put there or fetched; Python for most modules, as everywhere. M(ansible.builtin.raw) and
    M(ansible.builtin.script) need no Python. For a container without a shell there is M(kubenode.node.cri_exec)."
options:
  remote_addr:
    description:
      - The pod, as C([namespace/]pod[/container]), less of it where that is enough.
      - A static pod is found with its node's name at its end and without.
      - Without a container it is the only one, the one that the annotation C(kubectl.kubernetes.io/default-container)
        names, else the oldest that runs.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: ansible_cri_pod
  namespace:
    description: The pod's namespace, where O(remote_addr) does not have it.
    type: str
    vars:
      - name: ansible_cri_namespace
  container:
    description: The container, where O(remote_addr) does not have it.
    type: str
    vars:
      - name: ansible_cri_container
  remote_user:
    description:
      - The user that runs things in the container, where Ansible is to know. It changes nothing in there, as CRI cannot
        choose a user.
      - C(become) to this user is left out. By default every C(become) is done. C(ansible_user) is the user on O(node).
    type: str
    vars:
      - name: ansible_cri_user
  node:
    description:
      - The host that the runtime is on, as SSH knows it. By default it is the controller.
      - The variables of P(ansible.builtin.ssh#connection) hold for the way there, as C(ansible_user), C(ansible_port)
        and C(ansible_ssh_private_key_file).
    type: str
    vars:
      - name: ansible_cri_node
  sudo:
    description: Run C(kubenode) through C(sudo -n) on the node, as sockets of runtimes belong to root.
    type: bool
    default: false
    env:
      - name: KUBENODE_CRI_SUDO
    ini:
      - section: kubenode_cri
        key: sudo
    vars:
      - name: ansible_cri_sudo
  executable:
    description:
      - The program C(kubenode) on the node.
      - By default the first that is there of C(/usr/local/bin/kubenode), C(/opt/kubenode/current/bin/kubenode) and
        C(kubenode) in the path; on the controller also one beside Ansible's own Python.
    type: str
    env:
      - name: KUBENODE_CRI_EXECUTABLE
    ini:
      - section: kubenode_cri
        key: executable
    vars:
      - name: ansible_cri_executable
  runtime_endpoint:
    description:
      - The runtime's socket on the node, like V(unix:///run/containerd/containerd.sock).
      - By default that of C(/etc/kubenode/config.yaml) there, else the first of those of containerd, CRI-O and
        cri-dockerd on which somebody listens.
    type: str
    env:
      - name: KUBENODE_CRI_RUNTIME_ENDPOINT
    ini:
      - section: kubenode_cri
        key: runtime_endpoint
    vars:
      - name: ansible_cri_runtime_endpoint
  pipelining:
    description:
      - Give modules to Python over its standard input, instead of as files.
      - It works in every container, and each step saved is a start of C(kubenode) saved, so here it is the default.
    type: bool
    default: true
    env:
      - name: ANSIBLE_PIPELINING
    ini:
      - section: defaults
        key: pipelining
      - section: connection
        key: pipelining
    vars:
      - name: ansible_pipelining
      - name: ansible_cri_pipelining
notes:
  - CRI runs commands as the user, with the environment and in the working directory that the container has. C(become)
    works in the container where it needs no password.
  - CRI has names of files and arguments as text, so these must be UTF-8.
  - A container that is not there, or cannot be entered, makes its host unreachable. The exit codes of commands are
    their own, whatever these are.
  - The name of a fetched or put file is never read by a shell. Files are streamed. On the way over O(node) those larger
    than 1 MiB, and all that are fetched, pass through a temporary file there, in its C(TMPDIR) and with mode 0600.
  - A task costs about half a second, most of which is the start of C(kubenode).
requirements:
  - C(kubenode) on the node, which the role P(kubenode.node.node_agent#role) installs
seealso:
  - module: kubenode.node.cri_exec
"""

EXAMPLES = r"""
# An inventory with a container on the controller, and two that are reached over their node.
all:
  vars:
    ansible_connection: kubenode.node.cri
    ansible_python_interpreter: /usr/bin/python3
  hosts:
    cache:
      ansible_host: shop/cache/redis
    api:
      ansible_host: shop/api
      ansible_cri_container: app
      ansible_cri_node: node-1.example.com
      ansible_cri_sudo: true
      ansible_user: admin
    etcd:
      ansible_host: kube-system/etcd
      ansible_cri_node: "{{ hostvars['node-1'].ansible_host }}"
      ansible_user: root

# In a play: a task in a container of each node of the group.
# - hosts: nodes
#   tasks:
#     - name: Ask CoreDNS for its version
#       ansible.builtin.raw: /coredns -version
#       vars:
#         ansible_connection: kubenode.node.cri
#         ansible_cri_pod: kube-system/coredns
#         ansible_cri_node: "{{ ansible_host }}"
"""

import copy
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.plugins.connection import ConnectionBase
from ansible.plugins.loader import connection_loader
from ansible.utils.display import Display

PROGRAMS = ("/usr/local/bin/kubenode", "/opt/kubenode/current/bin/kubenode", "kubenode")
NO_PROGRAM = (
    "There is no kubenode on {where}. Apply the role kubenode.node.node_agent to it, or name the program with "
    "ansible_cri_executable."
)
# What is put over SSH in one go, without a file on the node.
SMALL_BYTES = 1 << 20

# What is left of the input is read away: containerd 1.6 may never tell that a command ended that left too much.
DRAINED = '"$0" -c "$1"; code=$?; cat >/dev/null; exit $code'
WRITE = 'cat >"$1" || { code=$?; cat >/dev/null; exit $code; }'

Output = tuple[int, bytes, bytes]

display = Display()


class Connection(ConnectionBase):  # type: ignore[misc]  # Ansible has no types
    transport = "kubenode.node.cri"
    has_pipelining = True
    has_tty = False
    _connected: bool

    def set_options(
        self,
        task_keys: Mapping[str, Any] | None = None,
        var_options: Mapping[str, Any] | None = None,
        direct: Mapping[str, Any] | None = None,
    ) -> None:
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        node = self.get_option("node")
        if node:
            play_context = copy.copy(self._play_context)
            play_context.remote_addr = node
            # Ansible gives a connection of this name the variables of its own plugin.
            self.ssh_type_conn = connection_loader.get("ansible.builtin.ssh", play_context, None)
            self.ssh_type_conn.set_options(task_keys=task_keys, var_options=var_options)

    def _connect(self) -> Connection:
        if not self._connected:
            node = self.get_option("node")
            self._connected = True
            self._say(f"container {self._pod()} on {node or 'the controller'}")
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> Output:
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        if sudoable and self.become and self.become.expect_prompt():
            raise AnsibleError("A password for become cannot be given in a container: CRI has no terminal to ask on.")
        self._say(f"EXEC {cmd}")
        shell = self._play_context.executable
        return self._exec([shell, "-c", DRAINED, shell, cmd] if in_data else [shell, "-c", cmd], in_data)

    def put_file(self, in_path: str, out_path: str) -> None:
        super().put_file(in_path, out_path)
        self._say(f"PUT {in_path} TO {out_path}")
        argv = [self._play_context.executable, "-c", WRITE, "sh", out_path]
        try:
            size = os.path.getsize(in_path)
            if not self.get_option("node"):
                with open(in_path, "rb") as file:
                    done = self._exec_here(argv, stdin=file)
            elif size <= SMALL_BYTES:
                with open(in_path, "rb") as file:
                    done = self._exec(argv, file.read())
            else:
                done = self._put_over_node(argv, in_path)
        except FileNotFoundError as error:
            raise AnsibleFileNotFound(f"There is no file {in_path} to put into the container.") from error
        self._refuse(done, f"{in_path} could not be put to {out_path}")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        super().fetch_file(in_path, out_path)
        self._say(f"FETCH {in_path} TO {out_path}")
        argv = ["cat", "--", in_path]
        part = f"{out_path}.{secrets.token_hex(4)}"
        try:
            if self.get_option("node"):
                done = self._fetch_over_node(argv, part)
            else:
                with open(part, "wb") as file:
                    done = self._exec_here(argv, stdout=file)
            self._refuse(done, f"{in_path} could not be fetched")
            os.replace(part, out_path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part)

    def reset(self) -> None:
        if self.get_option("node"):
            self._ssh().reset()

    def close(self) -> None:
        if self._connected and self.get_option("node"):
            self._ssh().close()
        self._connected = False

    def _ssh(self) -> ConnectionBase:
        """For each item of a loop Ansible sets its options anew, with the container's own name as the host."""
        self.ssh_type_conn.set_option("host", self.get_option("node"))
        return self.ssh_type_conn

    def _exec(self, argv: Sequence[str], in_data: bytes | None) -> Output:
        if not self.get_option("node"):
            return self._exec_here(argv, in_data=in_data)
        word = _word()
        command = self._command_there(argv, word, stdin=in_data is not None)
        # Without data the SSH plugin gives a terminal, which has no end.
        ended = command if in_data else f"{command} </dev/null"
        return self._judged(word, self._on_node(ended, in_data or None))

    def _exec_here(
        self,
        argv: Sequence[str],
        *,
        in_data: bytes | None = None,
        stdin: IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
    ) -> Output:
        """Files come and go through the descriptors of the process itself."""
        word = _word()
        given = in_data is not None or stdin is not None
        line = [*self._sudo(), self._program_here(), *self._arguments(argv, word, stdin=given)]
        source = subprocess.PIPE if in_data is not None else stdin or subprocess.DEVNULL
        try:
            process = subprocess.Popen(line, stdin=source, stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError as error:
            raise AnsibleConnectionFailure(f"{line[0]} cannot be run on the controller: {error.strerror}.") from error
        with process:
            output, errors = process.communicate(in_data)
        return self._judged(word, (process.returncode, output or b"", errors))

    def _put_over_node(self, argv: Sequence[str], in_path: str) -> Output:
        word, place = _word(), self._temporary()
        try:
            self._ssh().put_file(in_path, place)
            command = self._command_there(argv, word, stdin=True)
            return self._judged(word, self._on_node(f"{command} <{shlex.quote(place)}"))
        finally:
            self._on_node(f"rm -f {shlex.quote(place)}")

    def _fetch_over_node(self, argv: Sequence[str], out_path: str) -> Output:
        word, place = _word(), self._temporary()
        try:
            command = self._command_there(argv, word, stdin=False)
            done = self._judged(word, self._on_node(f"{command} </dev/null >{shlex.quote(place)}"))
            if not done[0]:
                self._ssh().fetch_file(place, out_path)
            return done
        finally:
            self._on_node(f"rm -f {shlex.quote(place)}")

    def _temporary(self) -> str:
        code, output, errors = self._on_node("umask 077 && mktemp")
        if code:
            said = errors.decode(errors="replace").strip()
            raise AnsibleError(f"{self._where()} has no room for a temporary file: {said}")
        return output.decode().strip()

    def _on_node(self, command: str, in_data: bytes | None = None) -> Output:
        """Through a shell that we know: the user's own may be any."""
        done: Output = self._ssh().exec_command(f"/bin/sh -c {shlex.quote(command)}", in_data, sudoable=False)
        return done

    def _command_there(self, argv: Sequence[str], word: str, *, stdin: bool) -> str:
        named = self.get_option("executable")
        ways = [f"command -v {shlex.quote(program)}" for program in ([named] if named else PROGRAMS)]
        sentence = shlex.quote(NO_PROGRAM.format(where=self._where()))
        look = f"{{ program=$({' || '.join(ways)}) || {{ echo {sentence} >&2; exit 127; }}; }}"
        sudo = shlex.join(self._sudo())
        return f'{look} && {sudo} "$program" {shlex.join(self._arguments(argv, word, stdin=stdin))}'

    def _program_here(self) -> str:
        named = self.get_option("executable")
        beside = os.path.join(os.path.dirname(sys.executable), "kubenode")
        found = next(filter(None, map(shutil.which, [named] if named else [*PROGRAMS, beside])), None)
        if found is None:
            raise AnsibleConnectionFailure(NO_PROGRAM.format(where=self._where()))
        return found

    def _arguments(self, argv: Sequence[str], word: str, *, stdin: bool) -> list[str]:
        arguments = ["exec", "--report", word]
        for option, name in (("--runtime-endpoint", "runtime_endpoint"), ("--container", "container")):
            value = self.get_option(name)
            if value:
                arguments += [option, value]
        if stdin:
            arguments.append("--stdin")
        arguments += ["--", self._pod(), *argv]
        try:
            "\0".join(arguments).encode()
        except UnicodeEncodeError as error:
            raise AnsibleError(f"CRI carries UTF-8 only, which this is not: {' '.join(argv)!r:.200}") from error
        return arguments

    def _sudo(self) -> list[str]:
        return ["sudo", "-n"] if self.get_option("sudo") else []

    def _pod(self) -> str:
        name, namespace = str(self.get_option("remote_addr")), self.get_option("namespace")
        return f"{namespace}/{name}" if namespace and not name.startswith(f"{namespace}/") else name

    def _where(self) -> str:
        return str(self.get_option("node") or "the controller")

    def _judged(self, word: str, done: Output) -> Output:
        """The command's own result. Without kubenode's last word nothing is known of a command."""
        code, output, errors = done
        before, found, after = errors.rpartition(f"{word} ".encode())
        answer, _end, rest = after.partition(b"\n")
        if not found:
            said = errors.decode(errors="replace").strip() or output.decode(errors="replace").strip()
            raise AnsibleConnectionFailure(
                f"kubenode exec ended on {self._where()} with exit code {code} and without an answer: "
                f"{said or 'it said nothing'}"
            )
        if answer.startswith(b"- "):
            raise AnsibleConnectionFailure(answer[2:].decode(errors="replace"))
        return int(answer), output, before + rest

    @staticmethod
    def _refuse(done: Output, sentence: str) -> None:
        code, output, errors = done
        if code:
            said = (errors or output).decode(errors="replace").strip() or f"exit code {code}"
            raise AnsibleError(f"{sentence}: {said}")

    def _say(self, text: str) -> None:
        display.vvv(text, host=str(self.get_option("remote_addr")))


def _word() -> str:
    """What kubenode is to begin its last line with; nobody in the container knows it."""
    return f"kubenode-{secrets.token_hex(16)}"
