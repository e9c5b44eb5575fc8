"""`python -m kubenode`."""

from kubenode.commands.app import main

main()
