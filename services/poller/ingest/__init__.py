"""Taking in NLM's files: baseline and daily updates, filtered by topic without E-utilities.

Files are checked (`files`, `checksum`, `plan`), read and filtered in worker processes (`sift`, by
the rules of `sieve`), and applied strictly in order by one process (`apply`), by the same rules
and into the same store as a poll. See docs/decisions/0012-ingest.md.
"""
