"""Typed values and the rules that hold for them by themselves: pods, settings, observations, actions.

No I/O, no clock, no randomness, no clients: everything here can be built in a test by hand.
"""
