"""One client per protocol that a node speaks: CRI, the agent's admin socket, the cgroup file system.

A client translates calls and errors, nothing more: it decides nothing and knows no pods.
"""
