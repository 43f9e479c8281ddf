"""elink.fcgi: what is similar to, cites, or is cited by an article.

The catalogue knows who cites whom, and how similar articles are to its seed; those have the same
link the other way round. References are known of articles in PMC only, as at NCBI.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.ncbi_sim.answers import (
    ELINK,
    Answer,
    json_answer,
    json_error,
    xml_bytes,
    xml_error,
)
from services.ncbi_sim.history import History, UnknownQueryError
from services.ncbi_sim.paging import StartError
from services.ncbi_sim.params import Params
from services.ncbi_sim.record import Record
from services.ncbi_sim.selection import selected, uses_history
from services.ncbi_sim.view import View

# The score NCBI gives an article's similarity to itself.
TOP_SCORE = 2147483647

Found = list[tuple[str, int]]


@dataclass(frozen=True)
class _LinkSet:
    ids: list[str]
    links: Mapping[str, Found]


def elink(params: Params, view: View, history: History) -> Answer:
    """Answer with one link set for each `id` parameter."""
    command = params.get("cmd", "neighbor") or "neighbor"
    if command not in {"neighbor", "neighbor_score"}:
        return elink_error(params, f"cmd={command} is not served here")
    try:
        id_lists = [selected(params, history)] if uses_history(params) else params.id_lists()
    except (UnknownQueryError, StartError) as error:
        return elink_error(params, str(error))
    wanted = [[uid for uid in ids if uid.isdigit()] for ids in id_lists]
    if not any(wanted):
        return elink_error(params, "Empty list of ids - nothing todo")
    names = [name for name in params.get("linkname").split(",") if name] or list(_LINKS)
    sets = [_LinkSet(ids, _links(ids, names, view)) for ids in wanted if ids]
    scored = command == "neighbor_score"
    return _json(sets, scored=scored) if params.wants_json else _xml(sets, scored=scored)


def elink_error(params: Params, message: str) -> Answer:
    """An error in elink's envelope."""
    if params.wants_json:
        return json_error("elink", {"linksets": [], "ERROR": message})
    return xml_error(message, ELINK)


def _links(ids: list[str], names: list[str], view: View) -> dict[str, Found]:
    """The links of all ids together, best first; a name without links is left out."""
    found = {name: _merged([_of_one(name, uid, view) for uid in ids]) for name in names}
    return {name: links for name, links in found.items() if links}


def _merged(lists: list[Found]) -> Found:
    best: dict[str, int] = {}
    for linked, score in (link for links in lists for link in links):
        best[linked] = max(score, best.get(linked, 0))
    return sorted(best.items(), key=lambda link: (-link[1], -int(link[0])))


def _of_one(name: str, uid: str, view: View) -> Found:
    record = view.by_pmid.get(uid)
    return _LINKS[name](record, view) if record is not None and name in _LINKS else []


def _similar(record: Record, view: View) -> Found:
    itself = (str(record.pmid), TOP_SCORE)
    if record.pmid != view.seed:
        score = record.article.similar_score
        return [itself, (str(view.seed), score)] if score and str(view.seed) in view.by_pmid else []
    others = (link for link in view.links.similar if link[0] != itself[0])
    found = [link for link in others if link[0] in view.by_pmid]
    return [itself, *found] if found else []


# NCBI's score of a citation link is the linked PMID, so that the newest comes first.
def _citing(record: Record, view: View) -> Found:
    others = (view.by_pmid.get(str(pmid)) for pmid in view.links.citing.get(str(record.pmid), ()))
    return [(str(other.pmid), other.pmid) for other in others if other and other.references]


def _cited(record: Record, view: View) -> Found:
    if not record.references_known:
        return []
    cited = [reference.pmid for reference in record.references]
    return [(str(pmid), pmid) for pmid in cited if str(pmid) in view.by_pmid]


_LINKS: Mapping[str, Callable[[Record, View], Found]] = {
    "pubmed_pubmed": _similar,
    "pubmed_pubmed_citedin": _citing,
    "pubmed_pubmed_refs": _cited,
}


def _json(sets: list[_LinkSet], *, scored: bool) -> Answer:
    content = []
    for link_set in sets:
        entry: dict[str, Any] = {"dbfrom": "pubmed", "ids": link_set.ids}
        if link_set.links:
            entry["linksetdbs"] = [
                {"dbto": "pubmed", "linkname": name, "links": _json_links(links, scored=scored)}
                for name, links in link_set.links.items()
            ]
        content.append(entry)
    return json_answer("elink", {"linksets": content})


def _json_links(links: Found, *, scored: bool) -> list[Any]:
    if scored:
        return [{"id": uid, "score": str(score)} for uid, score in links]
    return [uid for uid, _ in links]


def _xml(sets: list[_LinkSet], *, scored: bool) -> Answer:
    """Written as text: an article may have thousands of links, and all of it is numbers."""
    return xml_bytes("".join(_xml_set(one, scored=scored) for one in sets).encode(), ELINK)


def _xml_set(link_set: _LinkSet, *, scored: bool) -> str:
    ids = "".join(f"<Id>{uid}</Id>" for uid in link_set.ids)
    databases = "".join(
        f"<LinkSetDb><DbTo>pubmed</DbTo><LinkName>{name}</LinkName>"
        f"{''.join(_xml_link(uid, score, scored=scored) for uid, score in links)}</LinkSetDb>"
        for name, links in link_set.links.items()
    )
    return f"<LinkSet><DbFrom>pubmed</DbFrom><IdList>{ids}</IdList>{databases}</LinkSet>"


def _xml_link(uid: str, score: int, *, scored: bool) -> str:
    return f"<Link><Id>{uid}</Id>{f'<Score>{score}</Score>' if scored else ''}</Link>"
