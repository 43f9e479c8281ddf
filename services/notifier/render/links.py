"""Where a message leads its reader, beside the articles themselves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of our pages for one reader and digest; `None` where there is no such page.

    `leave` is the way out by one click (RFC 8058 asks for https), `manage` where to change what
    one gets, `permalink` the digest on the web; what a reader thinks of an item is told below it.
    """

    leave: str | None = None
    manage: str | None = None
    permalink: str | None = None

    def feedback(self, pmid: int) -> str | None:
        """Where to say that an item has a wrong label or is not relevant."""
        return f"{self.permalink}/feedback/{pmid}" if self.permalink else None


NO_PAGES = Links()
"""For a message without any page behind it: a preview, a trial run."""
