"""kubenode: runs and keeps Kubernetes nodes."""

__version__ = "0.1.0"
