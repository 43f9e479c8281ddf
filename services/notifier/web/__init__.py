"""The notifier's pages and HTTP API: readers come in, find, change and leave by themselves."""
