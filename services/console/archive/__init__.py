"""The archive of all events: read it, show it, record it to a file, take a file in."""
