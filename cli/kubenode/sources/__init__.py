"""Where desired pods come in: files and HTTP, each with the state of every item, merged into one snapshot.

Nothing else may bring a pod in, and nothing here changes a node.
"""
