"""ConfigMaps and Secrets on a real node: previews of a change, and no value anywhere but where it belongs."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import msgspec

from support.agent import AgentProcess, container, pod
from support.unix_http import get

CANARY = "hunter2canary"
CANARY_64 = base64.b64encode(CANARY.encode()).decode()


def secret(name: str, value: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"key": value}}


def user(name: str, secret_name: str) -> dict[str, Any]:
    """A pod that has the Secret as a volume and as environment."""
    app = container(
        envFrom=[{"secretRef": {"name": secret_name}, "prefix": "S_"}],
        volumeMounts=[{"name": "given", "mountPath": "/given", "readOnly": True}],
    )
    return pod(name, containers=[app], volumes=[{"name": "given", "secret": {"secretName": secret_name}}])


def _holders(folder: Path) -> set[str]:
    """The files below the folder that hold the value, other than the ones that were put there."""
    texts = (CANARY.encode(), CANARY_64.encode())
    return {
        path.name
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and any(text in path.read_bytes() for text in texts)
    }


def test_a_preview_shows_which_pods_a_change_touches(own_agent: AgentProcess) -> None:
    own_agent.put_objects(secret("used", "first"), secret("other", "first"))
    own_agent.put_pods(user("one", "used"), user("two", "other"))
    for _ in range(10):
        if not any(plan["steps"] for plan in own_agent.ask("sync")["pods"]):
            break
    assert [plan["steps"] for plan in own_agent.ask("sync", "--dry-run")["pods"]] == [[], []]

    own_agent.put_objects(secret("used", CANARY))
    preview = own_agent.ask("sync", "--dry-run")
    touched = {plan["pod"]: [step["action"] for step in plan["steps"]] for plan in preview["pods"]}
    assert touched == {"default/one-testnode": ["set up volume given"], "default/two-testnode": []}
    notes = {plan["pod"]: plan["notes"] for plan in preview["pods"]}
    assert notes == {
        "default/one-testnode": [
            "container app has Secret default/used as environment and keeps its old values until it starts again"
        ],
        "default/two-testnode": [],
    }
    code, output, _ = own_agent.run("sync", "--dry-run")
    assert (code, "set up volume given" in output, "keeps its old values" in output) == (0, True, True)
    assert CANARY not in str(preview) + output


def test_no_value_is_where_it_does_not_belong(own_agent: AgentProcess) -> None:
    path = own_agent.put_objects(secret("used", CANARY))
    own_agent.put_pods(user("one", "used"))
    own_agent.start()
    own_agent.until_running("one")
    path.chmod(0o644)
    (own_agent.objects / "spoilt.yaml").write_text(f"kind: Secret\nstringData: {{key: {CANARY}: x}}\n")
    own_agent.until(lambda: len(_bad(own_agent)) == 2, "both to be told")
    assert {(one["object"], one["state"]) for one in _bad(own_agent)} == {
        ("", "invalid"),
        ("Secret default/used", "held"),
    }
    socket = own_agent.run_directory / "agent.sock"
    told = [
        own_agent.run(*words)
        for words in (["pods"], ["pods", "-o", "json"], ["sync", "--dry-run"], ["sync", "-o", "json"], ["health"])
    ]
    told_too = [get(socket, address) for address in ("/v1/pods", "/v1/state")]
    for text in (str(told), str(told_too), own_agent.output.read_text()):
        assert CANARY not in text
        assert CANARY_64 not in text
    assert f"chmod 600 {path}" in told[0][1]
    assert _holders(own_agent.root / "kubenode") == {"objects.json"}
    assert not _holders(own_agent.logs)
    kept = msgspec.json.decode((own_agent.root / "kubenode" / "objects.json").read_bytes())
    assert [record["location"] for record in kept] == [str(path)]


def _bad(agent: AgentProcess) -> list[dict[str, Any]]:
    return [one for one in agent.ask("pods")["objects"] if one["state"] != "valid"]
