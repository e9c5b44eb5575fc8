"""What the agent tells others about its pods: events, and where they are kept.

Nothing here decides what happened (plan/ does) or serves it (serve/ does).
"""
