"""What is really there: pods in the runtime, changes of them (PLEG), the node's resources.

Only reads. What it finds is given on as values of the model.
"""
