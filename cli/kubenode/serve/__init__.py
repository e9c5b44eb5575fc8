"""What the agent answers: health and metrics over loopback HTTP, and the root-only admin socket.

Handlers get functions, never the agent itself.
"""
