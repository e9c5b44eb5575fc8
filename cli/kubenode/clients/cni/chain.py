"""The plugins of a network, one after the other: ADD forward, DEL backward. Neither cache nor lock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from kubenode.clients.cni import results
from kubenode.clients.cni.attachment import Attachment, request
from kubenode.clients.cni.errors import CniError
from kubenode.clients.cni.network import Json, Network, Plugin
from kubenode.clients.cni.plugins import Plugins, garbage
from kubenode.clients.errors import ClientError, NotFound

# How a plugin says that it does not know a verb: those before CNI 1.1 miss a container or interface first.
_MISSING_CONTAINER, _BAD_ENVIRONMENT = 3, 4
_OTHER_VERSION = 1
# A field, the environment, the configuration; from 100 on codes are the plugins' own.
_REFUSED, _OWN = (2, _BAD_ENVIRONMENT, 7), 100


class State(StrEnum):
    """What became of STATUS or GC at one plugin."""

    DONE = "done"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One plugin's answer to STATUS or GC; `error` where it failed."""

    plugin: str
    state: State
    error: ClientError | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """Calls all plugins of a network. All methods raise what `Plugins.call` raises, if they say nothing else."""

    plugins: Plugins
    unsupported: set[tuple[str, str]] = field(default_factory=set)

    def holding(self, lock: int) -> Chain:
        """The same, with plugins that hold this lock as long as they run."""
        return replace(self, plugins=replace(self.plugins, keep=(lock,)))

    async def add(self, network: Network, attachment: Attachment) -> Json:
        """The last plugin's result, in the network's version."""
        result: Json | None = None
        subject = _subject(network, attachment)
        for plugin in network.plugins:
            document = request(network, plugin, attachment, result)
            told = await self.plugins.call("ADD", plugin.type, document, subject=subject, attachment=attachment)
            if told is None:
                raise self._garbage(plugin, "ADD", subject, "the result is no JSON object")
            try:
                # Plugins that leave the version out mean the one that they were asked in.
                told = {**told, "cniVersion": told.get("cniVersion") or network.version}
                result = results.convert(told, network.version)
            except ValueError as error:
                raise self._garbage(plugin, "ADD", subject, f"the result cannot be used: {error}") from None
        return result or {}

    async def delete(self, network: Network, attachment: Attachment, previous: Json | None) -> None:
        """Stops at the first that fails, as those before it in the list may be needed for another try."""
        await self._each("DEL", network, reversed(network.plugins), attachment, previous)

    async def undo(self, network: Network, attachment: Attachment) -> ClientError | None:
        """DEL after an ADD that failed: at every plugin, whatever the others say. The first failure, if any.

        A plugin that refuses the attachment's arguments refuses them on DEL too, so it is then done without these.
        """
        failure = await self._undo(network, attachment)
        if failure and attachment.args and _may_mean_arguments(failure):
            failure = failure if await self._undo(network, replace(attachment, args=())) else None
        return failure

    async def _undo(self, network: Network, attachment: Attachment) -> ClientError | None:
        failures = []
        for plugin in reversed(network.plugins):
            try:
                await self._each("DEL", network, [plugin], attachment, None)
            except ClientError as error:
                failures.append(error)
        return next((error for error in failures if not _cannot_have_added(error)), None)

    async def check(self, network: Network, attachment: Attachment, previous: Json) -> None:
        await self._each("CHECK", network, network.plugins, attachment, previous)

    async def ask(self, command: str, network: Network, **more: Any) -> tuple[Verdict, ...]:
        """STATUS or GC at every plugin; no failure is raised. One that does not know the verb is asked once."""
        return tuple([await self._ask(command, network, plugin, more) for plugin in network.plugins])

    async def _each(
        self, command: str, network: Network, plugins: Iterable[Plugin], attachment: Attachment, previous: Json | None
    ) -> None:
        subject = _subject(network, attachment)
        for plugin in plugins:
            document = request(network, plugin, attachment, previous)
            await self.plugins.call(command, plugin.type, document, subject=subject, attachment=attachment)

    async def _ask(self, command: str, network: Network, plugin: Plugin, more: dict[str, Any]) -> Verdict:
        known = (command, plugin.type)
        if known in self.unsupported:
            return Verdict(plugin.type, State.UNSUPPORTED)
        try:
            document = request(network, plugin, None, None, **more)
            await self.plugins.call(command, plugin.type, document, subject=f"network {network.name}")
        except CniError as error:
            if not _does_not_know(error):
                return Verdict(plugin.type, State.FAILED, error)
            self.unsupported.add(known)
            return Verdict(plugin.type, State.UNSUPPORTED)
        except ClientError as error:
            return Verdict(plugin.type, State.FAILED, error)
        return Verdict(plugin.type, State.DONE)

    def _garbage(self, plugin: Plugin, command: str, subject: str, what: str) -> CniError:
        return garbage(self.plugins.find(plugin.type), command, subject, what)


def _does_not_know(error: CniError) -> bool:
    return error.code in (_MISSING_CONTAINER, _BAD_ENVIRONMENT) or "unknown CNI_COMMAND" in error.message


def _may_mean_arguments(error: ClientError) -> bool:
    return isinstance(error, CniError) and error.code is not None and (error.code in _REFUSED or error.code >= _OWN)


def _cannot_have_added(error: ClientError) -> bool:
    """A plugin that is not there, or does not speak the version, has done nothing that could be left."""
    return isinstance(error, NotFound) or (isinstance(error, CniError) and error.code == _OTHER_VERSION)


def _subject(network: Network, attachment: Attachment) -> str:
    return f"container {attachment.container_id} {attachment.ifname} on network {network.name}"
