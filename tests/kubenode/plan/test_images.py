"""Which pull policy an image has that is given none."""

from __future__ import annotations

import pytest

from kubenode.plan.images import pull_policy

DIGEST = "sha256:" + "0" * 64
DEFAULTS = [
    ("nginx", "Always"),
    ("nginx:latest", "Always"),
    ("registry.test:5000/nginx", "Always"),
    ("nginx:1.29", "IfNotPresent"),
    ("registry.test:5000/nginx:1.29", "IfNotPresent"),
    (f"nginx@{DIGEST}", "IfNotPresent"),
    # Kubernetes looks at the tag, though the digest says which image it is.
    (f"nginx:latest@{DIGEST}", "Always"),
    ("No Image", "IfNotPresent"),
]


@pytest.mark.parametrize(("image", "policy"), DEFAULTS)
def test_default_policy(image: str, policy: str) -> None:
    assert pull_policy(image, "") == policy
    assert pull_policy(image, "Never") == "Never"
