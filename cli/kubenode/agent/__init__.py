"""The agent: wiring, loops, one worker a pod, deadlines, reload and stop.

Everything that decides lives in plan/, everything that acts in apply/.
"""

import logging

# What is logged shows only where a program asks for it.
logging.getLogger("kubenode").addHandler(logging.NullHandler())
