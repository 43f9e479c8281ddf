"""Where a message leads its reader, beside the articles themselves."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of our pages for one reader and digest; `None` where there is no such page.

    `leave` is the way out by one click (RFC 8058 asks for https), `manage` where to change what
    one gets, `permalink` the digest on the web; what a reader thinks of an item is told below it.
    """

    leave: str | None = field(default=None, repr=False)
    manage: str | None = field(default=None, repr=False)
    permalink: str | None = field(default=None, repr=False)

    @property
    def feedback_base(self) -> str | None:
        """What a PMID is put after, for where to say of an item: wrong label, or not relevant."""
        return f"{self.permalink}/feedback/" if self.permalink else None

    def feedback(self, pmid: int) -> str | None:
        """Where to say that an item has a wrong label or is not relevant."""
        return f"{self.feedback_base}{pmid}" if self.permalink else None


NO_PAGES = Links()
"""For a message without any page behind it: a preview, a trial run."""
