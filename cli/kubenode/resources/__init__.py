"""What the collection's modules do: each has its own module of the same name here, with its Options and one `run`.

Observe, plan, apply, as everywhere: with `check` the plan is only told. What is decided stands in plan/, what is
changed in apply/; nothing here knows Ansible.
"""
