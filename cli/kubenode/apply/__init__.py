"""The only place that changes a node: it carries out the actions of a plan and reports an outcome for each.

It translates and never decides; what should be done comes in as actions.
"""
