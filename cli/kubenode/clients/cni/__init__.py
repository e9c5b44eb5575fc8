"""CNI, as libcni speaks it: networks read, plugins called, attachments cached, garbage collected.

It does what it is asked to; what is wrong with a network is judged in `model/cni.py`.
"""
