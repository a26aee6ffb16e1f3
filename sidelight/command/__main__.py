"""`python -m sidelight.command`, for supervisors that know the interpreter but not the script."""

from sidelight.command.main import main

main()
