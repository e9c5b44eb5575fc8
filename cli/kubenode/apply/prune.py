"""Removing garbage, object by object."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kubenode.apply import logs
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import NotFound
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.prune import Kind, Prune


class Pruner:
    """log_links: the directory of links that log shippers follow."""

    def __init__(self, cri: CriClient, log_links: Path) -> None:
        self._cri = cri
        self._log_links = log_links

    async def do(self, action: Prune) -> None:
        """Absent is done. Raises ClientError and OSError."""
        try:
            await self._remove(action)
        except NotFound:
            return

    async def _remove(self, action: Prune) -> None:
        match action.kind:
            case Kind.CONTAINER:
                # The log first: once the container is gone, nothing tells of it any more.
                await asyncio.to_thread(logs.remove, self._log_links, action.id, action.log_path)
                await self._cri.remove_container(
                    pb.RemoveContainerRequest(container_id=action.id), subject=f"container {action.name}"
                )
            case Kind.POD:
                subject = f"sandbox of {action.name}"
                # Stopping it again gives back its addresses, should that have failed before.
                await self._cri.stop_pod_sandbox(pb.StopPodSandboxRequest(pod_sandbox_id=action.id), subject=subject)
                await self._cri.remove_pod_sandbox(
                    pb.RemovePodSandboxRequest(pod_sandbox_id=action.id), subject=subject
                )
            case Kind.IMAGE:
                await self._cri.remove_image(
                    pb.RemoveImageRequest(image=pb.ImageSpec(image=action.id)), subject=f"image {action.name}"
                )
