"""Recorded discoveries through two classifiers: what differs, and in whose digests."""
