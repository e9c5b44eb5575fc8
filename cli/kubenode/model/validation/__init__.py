"""The rules of a static pod beyond its types: those of Kubernetes' API, one module for each part of a pod.

Each problem carries the JSON path of the value that breaks a rule, and says what to write instead. No I/O.
"""

from kubenode.model.validation.pod import problems
from kubenode.model.validation.rules import Problem

__all__ = ["Problem", "problems"]
