"""The engines' URLs, looked at before a library takes them apart.

A password with `/`, `#`, `?` or `@` in it that nobody has written as %XX is cut in two: libraries
then take its beginning for a host or a port, and name it in their errors.
"""

import re
from urllib.parse import parse_qs, urlsplit

from shared.errors import ConfigurationError

_WHOLE = re.compile(r"(?:[!$&'()*+,;=\w.~:-]|%[0-9A-Fa-f]{2})*", re.ASCII)
"""What may stand before the @ (RFC 3986, 3.2.1)."""


def check_url(url: str, schemes: tuple[str, ...], example: str) -> None:
    """Refuse a URL that is none of these schemes, or that two readers may read differently.

    Raises:
        ConfigurationError: with the example, and without a letter of the URL.
    """
    if not _is_plain(url, schemes):
        raise ConfigurationError(
            f"an engine's URL cannot be read: write {example}, and in its password %XX for every "
            "character that is no letter or digit (%2F for a slash)"
        )


def _is_plain(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    account, _, place = parts.netloc.rpartition("@")
    return (
        parts.scheme in schemes
        and url.startswith(f"{parts.scheme}://")
        and (bool(host) or not parts.netloc or (not place and _names_hosts(parts.query)))
        and not parts.fragment
        and "@" not in f"{place}{parts.path}{parts.query}"
        and _WHOLE.fullmatch(account) is not None
    )


def _names_hosts(query: str) -> bool:
    """As the URL of several database servers does: `?host=ONE:5432&host=OTHER:5432`."""
    return len(parse_qs(query).get("host", ())) > 1
