"""Names of images, completed as containerd and docker complete them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.image_reference import ImageReference, parse

DIGEST = "sha256:" + "0123456789abcdef" * 4

# As written; the registry, the repository, the familiar form, the name under which a runtime keeps it.
GOOD = [
    ("busybox", "docker.io", "library/busybox", "busybox", "docker.io/library/busybox:latest"),
    ("busybox:1.37", "docker.io", "library/busybox", "busybox:1.37", "docker.io/library/busybox:1.37"),
    ("library/busybox", "docker.io", "library/busybox", "busybox", "docker.io/library/busybox:latest"),
    ("docker.io/busybox", "docker.io", "library/busybox", "busybox", "docker.io/library/busybox:latest"),
    ("index.docker.io/busybox", "docker.io", "library/busybox", "busybox", "docker.io/library/busybox:latest"),
    ("bitnami/redis:8", "docker.io", "bitnami/redis", "bitnami/redis:8", "docker.io/bitnami/redis:8"),
    ("library/a/b", "docker.io", "library/a/b", "library/a/b", "docker.io/library/a/b:latest"),
    ("docker.io/a.b/c", "docker.io", "a.b/c", "docker.io/a.b/c", "docker.io/a.b/c:latest"),
    (
        "docker.io/" + "0" * 64,
        "docker.io",
        "library/" + "0" * 64,
        "docker.io/library/" + "0" * 64,
        "docker.io/library/" + "0" * 64 + ":latest",
    ),
    ("quay.io/org/app", "quay.io", "org/app", "quay.io/org/app", "quay.io/org/app:latest"),
    ("localhost/app", "localhost", "app", "localhost/app", "localhost/app:latest"),
    ("localhost:5000/app:1", "localhost:5000", "app", "localhost:5000/app:1", "localhost:5000/app:1"),
    ("Registry/app", "Registry", "app", "Registry/app", "Registry/app:latest"),
    ("127.0.0.1:5000/a/b", "127.0.0.1:5000", "a/b", "127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b:latest"),
    ("[fd00::1]:5000/a", "[fd00::1]:5000", "a", "[fd00::1]:5000/a", "[fd00::1]:5000/a:latest"),
    ("a.b/c__d/e--f_g.h:T_.-", "a.b", "c__d/e--f_g.h", "a.b/c__d/e--f_g.h:T_.-", "a.b/c__d/e--f_g.h:T_.-"),
    (f"app@{DIGEST}", "docker.io", "library/app", f"app@{DIGEST}", f"docker.io/library/app@{DIGEST}"),
    (f"a.b/app:1@{DIGEST}", "a.b", "app", f"a.b/app:1@{DIGEST}", f"a.b/app@{DIGEST}"),
]


@pytest.mark.parametrize(("text", "domain", "path", "familiar", "full"), GOOD)
def test_reference(text: str, domain: str, path: str, familiar: str, full: str) -> None:
    reference = parse(text)
    assert (reference.domain, reference.path) == (domain, path)
    assert reference.name == f"{domain}/{path}"
    assert (reference.familiar, reference.full) == (familiar, full)
    assert parse(reference.familiar) == reference, "the familiar form means the same"
    assert parse(reference.full).full == reference.full


def test_tag_and_digest_as_written() -> None:
    assert parse(f"a.b/app:1@{DIGEST}") == ImageReference("a.b", "app", "1", DIGEST)
    assert parse("app") == ImageReference("docker.io", "library/app")
    assert parse("app@sha512:" + "0f" * 64).digest == "sha512:" + "0f" * 64


def test_where_the_registry_is_served() -> None:
    assert parse("busybox").registry_host == "registry-1.docker.io"
    assert parse("quay.io/a/b").registry_host == "quay.io"
    assert parse("localhost:5000/b").registry_host == "localhost:5000"


BAD = [
    ("", "is empty"),
    ("a b", "the repository 'a b'"),
    ("App", "lower case"),
    ("app:", "the tag ''"),
    ("app:.1", "the tag '.1'"),
    ("app:" + "a" * 129, "up to 128"),
    ("app\n", "the repository 'app\\n'"),
    ("app:1\n", "the tag '1\\n'"),
    ("a//b", "the repository 'a//b'"),
    ("a/b/", "the repository 'a/b/'"),
    ("/a", "the repository '/a'"),
    ("a.b/", "the repository ''"),
    ("a..b", "the repository 'a..b'"),
    ("-a.b/c", "the registry '-a.b'"),
    ("a.b:x/c", "the registry 'a.b:x'"),
    ("https://a.b/c", "the registry 'https:'"),
    ("a" * 256, "longer than 255"),
    ("app@", "the digest ''"),
    ("app@sha256:12", "64 hexadecimal digits"),
    ("app@sha256:" + "A" * 64, "lower case"),
    ("app@md5:" + "0" * 32, "one of sha256, sha384, sha512"),
    ("0" * 64, "an image's ID"),
    ("sha256:" + "0" * 64, "an image's ID"),
]


@pytest.mark.parametrize(("text", "why"), BAD)
def test_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match="image reference") as caught:
        parse(text)
    assert why in str(caught.value)


@given(st.text())
def test_any_text_is_a_reference_or_a_sentence(text: str) -> None:
    with contextlib.suppress(ValueError):
        reference = parse(text)
        assert parse(reference.familiar) == reference
