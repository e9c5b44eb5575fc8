"""Generated code only: messages and gRPC stubs of the CRI, the CSI and the plugin registration API.

Nothing here is written by hand: the texts are in `protos/`, and `make protos` renders them.
"""
