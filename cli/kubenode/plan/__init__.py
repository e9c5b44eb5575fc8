"""Pure functions from desired and observed state to data: plans, container specifications, statuses, verdicts.

Time and randomness come in as arguments; nothing here reads, writes or waits.
"""
