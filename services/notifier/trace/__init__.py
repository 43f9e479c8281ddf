"""One article's life in this service: for the operator's page, and for `carillon trace`."""
