"""Where desired pods and local objects come in: files and HTTP, each with the state of every item, in one snapshot.

Nothing else may bring a pod in, and nothing here changes a node.
"""
