"""`python -m provisioning`: the command line, for a process that starts another one."""

from provisioning.cli import main

main()
