"""Image pull secrets: whom they are shown to, in which order, and that they are shown to nobody else."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.objects import LocalObject, Secret, object_key
from kubenode.model.pod import Metadata
from kubenode.model.static_pod import DesiredPod
from kubenode.plan.credentials import CONFIG, CONFIG_JSON, registry_auths, registry_matches, unusable_pull_secrets
from support.plans import desired_pod

PASSWORD = "hunter2-do-not-tell"

MATCHES = [
    ("r.test", "r.test/team/app", True),
    ("r.test", "other.test/team/app", False),
    ("r.test", "r.test:5000/app", False),
    ("r.test:5000", "r.test:5000/app", True),
    ("r.test/team", "r.test/team/app", True),
    ("r.test/team", "r.test/teamwork/app", True),
    ("r.test/team", "r.test/other/app", False),
    ("*.r.test", "a.r.test/app", True),
    ("*.r.test", "r.test/app", False),
    ("*.r.test", "a.b.r.test/app", False),
    ("*.*.test", "a.r.test/app", True),
    ("prefix*.r.test", "prefix-1.r.test/app", True),
    ("*.r.test:8080", "a.r.test:8080/app", True),
    ("*.r.test:8080", "a.r.test/app", False),
    ("10.0.0.1:5000", "10.0.0.1:5000/app", True),
]


@pytest.mark.parametrize(("pattern", "repository", "expected"), MATCHES)
def test_which_registries_match(pattern: str, repository: str, expected: bool) -> None:
    assert registry_matches(pattern, repository) is expected


def _entry(username: str, **fields: str) -> dict[str, str]:
    return {"username": username, "password": PASSWORD, **fields}


def _secret(name: str, auths: Any, kind: str = CONFIG_JSON) -> Secret:
    key = ".dockerconfigjson" if kind == CONFIG_JSON else ".dockercfg"
    content = json.dumps({"auths": auths} if kind == CONFIG_JSON else auths).encode()
    return Secret(api_version="v1", kind="Secret", metadata=Metadata(name=name), type=kind, data={key: content})


def _desired(*objects: LocalObject, secrets: tuple[str, ...] = ()) -> DesiredPod:
    wanted = secrets or tuple(one.metadata.name for one in objects)
    desired = desired_pod({"imagePullSecrets": [{"name": name} for name in wanted]})
    return dataclasses.replace(desired, objects={object_key(one): one for one in objects})


def _users(image: str, *objects: LocalObject) -> list[str]:
    return [auth.username for auth in registry_auths(_desired(*objects), image)]


PLACES = {
    "r.test": _entry("host"),
    "https://r.test/team": _entry("team"),
    "r.test/team/app": _entry("app"),
    "*.test": _entry("any"),
    "https://index.docker.io/v1/": _entry("hub"),
    "other.test:5000/v2/": _entry("other"),
    "localhost": _entry("local"),
}
IMAGES = [
    ("r.test/team/app:1", ["app", "team", "host", "any"]),
    ("r.test/team/app@sha256:" + "0" * 64, ["app", "team", "host", "any"]),
    ("r.test/team/web:1", ["team", "host", "any"]),
    ("r.test:5000/team/app:1", []),
    ("other.test:5000/app", ["other"]),
    ("nginx", ["hub"]),
    ("nginx:1.2", ["hub"]),
    ("me/nginx", ["hub"]),
    ("docker.io/me/nginx", ["hub"]),
    ("index.docker.io/nginx", ["hub"]),
    ("localhost/app", ["local"]),
    ("quay.example/app", []),
]


@pytest.mark.parametrize(("image", "expected"), IMAGES)
def test_the_most_specific_comes_first(image: str, expected: list[str]) -> None:
    assert _users(image, _secret("one", PLACES)) == expected


def test_secrets_of_both_types_add_up_in_the_pods_order_and_twins_count_once() -> None:
    first = _secret("first", {"r.test": _entry("a")})
    second = _secret("second", {"r.test": _entry("b")}, CONFIG)
    assert _users("r.test/app", first, second, _secret("third", {"r.test": _entry("a")})) == ["a", "b"]
    assert _users("r.test/app", second, first) == ["b", "a"]


def test_name_and_password_in_one() -> None:
    joined = base64.b64encode(f"me:{PASSWORD}:more".encode()).decode()
    (auth,) = registry_auths(_desired(_secret("one", {"r.test": _entry("other", auth=joined)})), "r.test/app")
    assert (auth.username, auth.password) == ("me", f"{PASSWORD}:more")
    token = _secret("one", {"r.test": {"identitytoken": "t"}})
    (auth,) = registry_auths(_desired(token), "r.test/app")
    assert (auth.username, auth.identity_token) == ("", "t")


BAD = [
    _secret("bad", ["r.test"]),
    _secret("bad", None),
    Secret(
        api_version="v1",
        kind="Secret",
        metadata=Metadata(name="bad"),
        type=CONFIG_JSON,
        data={".dockerconfigjson": PASSWORD.encode()},
    ),
    Secret(api_version="v1", kind="Secret", metadata=Metadata(name="bad"), data={"password": PASSWORD.encode()}),
]


@pytest.mark.parametrize("bad", BAD)
def test_a_secret_of_no_use_is_told_without_its_content(bad: Secret) -> None:
    desired = _desired(bad, _secret("good", {"r.test": _entry("a")}), secrets=("bad", "none", "good"))
    assert [auth.username for auth in registry_auths(desired, "r.test/app")] == ["a"]
    told = unusable_pull_secrets(desired)
    assert ["bad" in told[0], "none" in told[1], len(told)] == [True, True, 2]
    assert PASSWORD not in "".join(told)


def test_no_representation_shows_a_password() -> None:
    auths = registry_auths(_desired(_secret("one", {"r.test": _entry("a", identitytoken=PASSWORD)})), "r.test/app")
    assert auths[0].password == PASSWORD
    assert PASSWORD not in repr(auths)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(JSON, st.sampled_from([CONFIG, CONFIG_JSON]), st.text())
def test_nothing_in_a_secret_or_an_image_breaks_a_plan(content: Any, kind: str, image: str) -> None:
    secret = _secret("one", {"r.test": content, "https://[": content} if kind == CONFIG else content, kind)
    desired = _desired(secret)
    registry_auths(desired, image)
    unusable_pull_secrets(desired)
