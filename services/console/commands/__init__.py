"""The sub-commands of `carillon`, one file per subject."""
