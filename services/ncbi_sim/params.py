"""The parameters of one request, from the query string and a form-encoded body alike."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

# Answers repeat what was sent, and these characters cannot stand in XML.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Params:
    """Names and values in the order they were sent; a name may come several times.

    Names are read without case, as NCBI does: Biopython sends `webenv` where the manual has
    `WebEnv`.
    """

    pairs: tuple[tuple[str, str], ...]

    def get(self, name: str, default: str = "") -> str:
        """The first value of a name."""
        wanted = name.lower()
        return next((value for key, value in self.pairs if key == wanted), default)

    def has(self, name: str) -> bool:
        """Whether the name was sent at all."""
        return any(key == name.lower() for key, _ in self.pairs)

    def number(self, name: str, default: int) -> int:
        """A number of zero or more; NCBI takes anything else for the default."""
        text = self.get(name).strip()
        return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else default

    def replaced(self, **values: str) -> "Params":
        """The same parameters, these ones with another value."""
        kept = tuple(pair for pair in self.pairs if pair[0] not in values)
        return Params(kept + tuple(values.items()))

    @property
    def wants_json(self) -> bool:
        """Whether the answer is to be JSON."""
        return self.get("retmode").lower() == "json"

    def id_lists(self) -> list[list[str]]:
        """The ids of every `id` parameter; commas and blanks separate ids within one."""
        return [split_ids(value) for key, value in self.pairs if key == "id"]

    def ids(self) -> list[str]:
        """All ids of all `id` parameters, each once."""
        return list(dict.fromkeys(uid for ids in self.id_lists() for uid in ids))


def split_ids(text: str) -> list[str]:
    """The ids of one `id` parameter."""
    return [uid for uid in re.split(r"[,\s]+", text) if uid]


def read_params(query: str, body: bytes) -> Params:
    """Parameters of a query string followed by those of a form-encoded body."""
    form = body.decode("utf-8", errors="replace")
    pairs = [*parse_qsl(query, keep_blank_values=True), *parse_qsl(form, keep_blank_values=True)]
    return Params(tuple((name.lower(), _NOT_XML.sub(" ", value)) for name, value in pairs))
