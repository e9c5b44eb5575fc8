"""Pods from a URL: they run, follow what it says, and stay while it says nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.agent import AgentProcess, pod
from support.runtime_view import RuntimeView


class Manifests(ThreadingHTTPServer):
    """Says `pods` as a PodList, or 500 when there is None; `heard` are the tokens it was given."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pods: list[dict[str, object]] | None = []
        self.heard: set[str | None] = set()


class Handler(BaseHTTPRequestHandler):
    server: Manifests

    def do_GET(self) -> None:
        self.server.heard.add(self.headers["X-Token"])
        self.send_response(500 if self.server.pods is None else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"apiVersion": "v1", "kind": "PodList", "items": self.server.pods or []}).encode())

    def log_request(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def manifests() -> Iterator[Manifests]:
    with Manifests() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_pods_from_a_url(own_agent: AgentProcess, manifests: Manifests, view: RuntimeView) -> None:
    url = f"http://127.0.0.1:{manifests.server_address[1]}/pods"
    own_agent.configure(staticPodURL=url, staticPodURLHeader={"X-Token": ["secret"]}, httpCheckFrequency="200ms")
    manifests.pods = [pod("first"), pod("second")]
    own_agent.put_pods(pod("file"))
    own_agent.start()
    before = own_agent.until_running("first", "second", "file")
    assert before["first"]["source"] == url
    assert manifests.heard == {"secret"}

    manifests.pods = None
    held = own_agent.until_pod("first", lambda told: told["sourceState"] == "held")
    assert held["containers"] == before["first"]["containers"]
    assert "status 500" in own_agent.run("pods")[1]
    own_agent.put_pods(pod("more"))
    own_agent.until_running("more")
    own_agent.remove("more")
    own_agent.until(lambda: "more" not in own_agent.pods(), "a file's pod to go while the URL says nothing")

    manifests.pods = [pod("second")]
    own_agent.until(lambda: "first" not in own_agent.pods(), "the pod that the URL dropped to go")
    assert sorted(view.running().values()) == ["file-testnode", "second-testnode"]
    assert own_agent.until_running("second")["second"]["containers"] == before["second"]["containers"]
    manifests.pods = []
    own_agent.until(lambda: "second" not in own_agent.pods(), "the URL's last pod to go")
