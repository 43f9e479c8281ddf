"""`python -m services.console`: the `carillon` command."""

from services.console.app import main

main()
