"""The `carillon` command, and the embedded mode that runs all three services in one process."""
