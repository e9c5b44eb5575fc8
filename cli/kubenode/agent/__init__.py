"""The agent: wiring, loops, one worker a pod, deadlines, reload and stop.

Everything that decides lives in plan/, everything that acts in apply/.
"""
