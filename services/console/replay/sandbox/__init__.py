"""The sandbox: a stretch of the past through the services' own handlers, and nothing leaves it."""
