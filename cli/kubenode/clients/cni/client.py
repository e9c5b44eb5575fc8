"""What libcni does: attach, detach, check, with a cache of what is attached.

One network at a time is added to, deleted from or collected, by a lock in the cache's directory. Other users of the
cache, such as containerd, do not know the lock.

What an ADD is about to attach is written down first, so that one that is killed half-way is known and can be undone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from kubenode.clients import errors
from kubenode.clients.cni import garbage, versions
from kubenode.clients.cni.attachment import Attachment, verify
from kubenode.clients.cni.cache import Cache, CachedAttachment
from kubenode.clients.cni.chain import Chain, State, Verdict
from kubenode.clients.cni.errors import NetworkError, UndoFailed
from kubenode.clients.cni.garbage import Collected, Garbage
from kubenode.clients.cni.locking import held
from kubenode.clients.cni.network import Json, Network, parse_cached
from kubenode.clients.cni.plugins import Binary, Plugins
from kubenode.clients.errors import KubenodeError

CACHE_DIRECTORY = Path("/var/lib/cni")
WITHIN = 60.0  # seconds


class Cni:
    """Calls plugins.

    path: the directories of plugins, as in CNI_PATH
    cache_directory: as libcni has it; attachments are in `results` below it
    within: seconds that one call of one plugin, or the wait for the lock, may take

    All methods raise ClientError: CniError for what a plugin said, DeadlineExceeded for one that was killed, NotFound
    for one that is not installed.
    """

    def __init__(
        self, path: Sequence[str | Path], *, cache_directory: Path = CACHE_DIRECTORY, within: float = WITHIN
    ) -> None:
        self.plugins = Plugins(tuple(str(directory) for directory in path), within)
        self.cache = Cache(cache_directory / "results")
        self._begun = Cache(cache_directory / "kubenode-begun")
        self._chain = Chain(self.plugins)
        self._lock = cache_directory / "kubenode.lock"
        self._within = within

    async def add(self, network: Network, attachment: Attachment) -> Json:
        """Attach; the result in the network's version. What fails, or is cancelled, is followed by DEL.

        What is left of an ADD that was killed is undone first.
        Raises AlreadyExists for what the cache has, and UndoFailed.
        """
        verify("ADD", attachment)
        async with held(self._lock, operation="ADD", within=self._within):
            if self.cache.holds(network.name, attachment):
                raise errors.AlreadyExists(
                    endpoint=str(self.cache.path(network.name, attachment)),
                    operation="ADD",
                    subject=f"container {attachment.container_id} {attachment.ifname} on network {network.name}",
                    detail="it is attached already",
                    remedy="DEL it first, or use another interface.",
                )
            await self._undo_begun(network.name, attachment)
            self._begun.write(network, attachment, {})
            path = self._begun.path(network.name, attachment)
            async with held(path, operation="ADD", within=self._within) as lock:
                result = await self._add(self._chain.holding(lock), network, attachment)
        return result

    async def _add(self, chain: Chain, network: Network, attachment: Attachment) -> Json:
        try:
            result = await chain.add(network, attachment)
            # Not in a thread: one that a cancellation leaves behind could write after the undoing.
            self.cache.write(network, attachment, result)
        except BaseException as error:
            await self._undo(network, attachment, error)
            raise
        self._begun.remove(network.name, attachment)
        return result

    def known(self, name: str, attachment: Attachment) -> CachedAttachment | None:
        """What the cache has of it, or of an ADD that was killed. Raises RuntimeFailure."""
        begun = None if self.cache.holds(name, attachment) else self._begun.read(name, attachment)
        return replace(begun, unfinished=True) if begun else self.cache.read(name, attachment)

    def attachments(self, name: str | None = None) -> list[CachedAttachment]:
        """All that is attached, or half attached, to any network or to this one. Raises RuntimeFailure."""
        cached = self.cache.attachments(name)
        known = {(one.network, *one.attachment.key) for one in cached}
        begun = [one for one in self._begun.attachments(name) if (one.network, *one.attachment.key) not in known]
        return [*cached, *(replace(one, unfinished=True) for one in begun)]

    async def delete(self, name: str, attachment: Attachment, configured: Network | None = None) -> bool:
        """Detach from the network of this name, as it was when it was attached; whether there was anything to do.

        configured: the network as it is now, for what the cache does not know; without it that is left alone.
        """
        verify("DEL", attachment)
        async with held(self._lock, operation="DEL", within=self._within):
            return await self._delete(name, attachment, configured)

    async def check(self, network: Network, attachment: Attachment) -> bool:
        """Whether all plugins were asked and found nothing wrong; False where the network says not to ask.

        Raises Unimplemented for networks before 0.4.0, and NotFound for what the cache does not have.
        """
        subject = f"container {attachment.container_id} {attachment.ifname} on network {network.name}"
        if not network.speaks(versions.CHECK):
            raise errors.Unimplemented(
                endpoint=network.file,
                operation="CHECK",
                subject=subject,
                detail=f"its version {network.version} is before {versions.CHECK}",
                remedy=f"Raise the network's cniVersion to {versions.CHECK} or later.",
            )
        if network.disable_check:
            return False
        cached = self.cache.read(network.name, attachment)
        previous = cached.result_for(network) if cached else None
        if cached is None or previous is None:
            raise errors.NotFound(
                endpoint=str(self.cache.path(network.name, attachment)),
                operation="CHECK",
                subject=subject,
                detail="no result of it is cached",
                remedy="Attach it, or check its container and interface.",
            )
        known = _completed(attachment, cached)
        verify("CHECK", known)
        await self._chain.check(network, known, previous)
        return True

    async def status(self, network: Network) -> tuple[Verdict, ...]:
        """Of each plugin, whether it can attach now; `unsupported` where it cannot tell. Raises nothing."""
        if network.speaks(versions.STATUS_AND_GC):
            return await self._chain.ask("STATUS", network)
        return tuple(Verdict(plugin.type, State.UNSUPPORTED) for plugin in network.plugins)

    async def binaries(self, network: Network) -> tuple[Binary, ...]:
        """Every plugin that the network needs, address plugins included, as it is installed. Raises nothing."""
        return tuple([await self.plugins.inspect(kind) for kind in needed(network)])

    async def preview(
        self, network: Network, valid: Collection[tuple[str, str]], *, now: float, grace: float = garbage.GRACE
    ) -> Garbage:
        """What `collect` would do now.

        valid: container ids and interfaces of all that is attached; grace: seconds that an address without attachment
        is left alone, as it may belong to an ADD under way.
        """
        cached = await asyncio.to_thread(self.attachments, network.name)
        return await asyncio.to_thread(garbage.find, cached, network, frozenset(valid), now - grace)

    async def collect(self, network: Network, valid: Collection[tuple[str, str]], found: Garbage) -> Collected:
        """Carry out a preview, except for what has changed meanwhile. Failures of single steps are in the answer.

        Raises Aborted when the lock cannot be had.
        """
        async with held(self._lock, operation="GC", within=self._within):
            deleted, problems = [], []
            for cached in found.stale:
                try:
                    if self._is_stale(cached, valid) and await self._delete(cached.network, cached.attachment, network):
                        deleted.append(cached)
                except KubenodeError as error:
                    problems.append(error)
            verdicts = await self._collect_verb(network, valid, found)
            cached_now = await asyncio.to_thread(self.attachments, network.name)
            freed, unfreed = await asyncio.to_thread(garbage.free, cached_now, frozenset(valid), found.leaked)
        return Collected(tuple(deleted), freed, verdicts, (*problems, *unfreed))

    def _is_stale(self, cached: CachedAttachment, valid: Collection[tuple[str, str]]) -> bool:
        now = self.known(cached.network, cached.attachment)
        return cached.attachment.key not in valid and now == cached

    async def _collect_verb(
        self, network: Network, valid: Collection[tuple[str, str]], found: Garbage
    ) -> tuple[Verdict, ...]:
        if not found.verb:
            return ()
        attachments = [{"containerID": container_id, "ifname": ifname} for container_id, ifname in sorted(valid)]
        # The second name is that of an early draft, which some plugins go by; libcni gives both.
        names = ("cni.dev/valid-attachments", "cni.dev/attachments")
        return await self._chain.ask("GC", network, **dict.fromkeys(names, attachments))

    async def _delete(self, name: str, attachment: Attachment, configured: Network | None) -> bool:
        begun = await self._undo_begun(name, attachment)
        cached = self.cache.read(name, attachment)
        if begun and cached is None:
            return True
        network = _configuration(cached) or configured
        if network is None:
            return False
        known = _completed(attachment, cached) if cached else attachment
        previous = cached.result_for(network) if cached and network.speaks(versions.CHECK) else None
        await self._chain.delete(network, known, previous)
        self.cache.remove(name, attachment)
        return True

    async def _undo_begun(self, name: str, attachment: Attachment) -> bool:
        """Undo an ADD that was killed, once none of its plugins runs any more; whether there was one."""
        path = self._begun.path(name, attachment)
        if not self._begun.holds(name, attachment):
            return False
        async with held(path, operation="DEL", within=self._within):
            begun, network = self._begun.read(name, attachment), None
            if begun and not self.cache.holds(name, attachment):
                network = _configuration(begun)
            if begun and network:
                failure = await self._chain.undo(network, begun.attachment)
                if failure:
                    raise failure
            self._begun.remove(name, attachment)
        return network is not None

    async def _undo(self, network: Network, attachment: Attachment, cause: BaseException) -> None:
        failure = await self._chain.undo(network, attachment)
        try:
            self.cache.remove(network.name, attachment)
        except errors.ClientError as error:
            failure = failure or error
        if not failure:
            self._begun.remove(network.name, attachment)
        # A cancellation must stay one.
        if failure and isinstance(cause, KubenodeError):
            raise UndoFailed(cause, failure) from cause
        if failure:
            cause.add_note(str(failure))


def needed(network: Network) -> tuple[str, ...]:
    """The binaries that a network needs, in the order of their first use."""
    kinds = []
    for plugin in network.plugins:
        kinds.append(plugin.type)
        ipam = plugin.configuration.get("ipam")
        kind = ipam.get("type") if isinstance(ipam, dict) else None
        if isinstance(kind, str) and kind:
            kinds.append(kind)
    return tuple(dict.fromkeys(kinds))


def _configuration(cached: CachedAttachment | None) -> Network | None:
    """The network as it was; None when the cache has none that can be read."""
    if cached is None or not cached.config:
        return None
    try:
        network = parse_cached(cached.config, f"cached network {cached.network}")
    except NetworkError:
        return None
    return network if network.plugins else None


def _completed(attachment: Attachment, cached: CachedAttachment) -> Attachment:
    """What was not given is as it was when it was attached."""
    before = cached.attachment
    return replace(
        attachment,
        netns=attachment.netns or before.netns,
        args=attachment.args or before.args,
        capability_args=attachment.capability_args or before.capability_args,
    )
