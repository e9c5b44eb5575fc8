"""Prints, as JSON, whether the runtime says that its network is ready, and the networks that it has loaded."""

import asyncio
import json
import sys

from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import cri_pb2 as pb


async def main() -> None:
    async with CriClient(sys.argv[1]) as cri:
        answer = await cri.status(pb.StatusRequest(verbose=True))
    ready = {one.type: one.status for one in answer.status.conditions}["NetworkReady"]
    loaded = json.loads(answer.info.get("cniconfig", "{}")).get("Networks") or []
    print(json.dumps({"ready": ready, "networks": [one["Config"]["Name"] for one in loaded]}))


asyncio.run(main())
