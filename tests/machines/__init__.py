"""Real machines for tests and the demo: systemd as PID 1, sshd, a network of their own, booted by systemd-nspawn.

Only the standard library is used, so that the machines come up before anything is installed. Nothing in here knows
kubenode: it hands out plain Debian or Ubuntu hosts and an Ansible inventory of them.
"""
