"""A stored digest as mail (HTML and text), Slack messages, an Atom feed, or labels as JSON lines.

Every renderer is a pure function of the digest: the same digest gives the same bytes.
"""
