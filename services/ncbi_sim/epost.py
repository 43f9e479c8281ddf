"""epost.fcgi: keep a list of ids on the history server."""

from lxml import etree

from services.ncbi_sim.answers import EPOST, Answer, add, xml_answer
from services.ncbi_sim.history import History
from services.ncbi_sim.params import Params

_NO_IDS = "Empty ID list; Nothing to store"
_BAD_IDS = "IDs contain invalid characters which was treated as delimiters."


def epost(params: Params, history: History) -> Answer:
    """Keep the ids; whether they exist is not checked, as at NCBI. Always XML."""
    sent = params.ids()
    uids = [uid for uid in sent if uid.isascii() and uid.isdigit()]
    errors = [_BAD_IDS] if uids != sent else []
    root = etree.Element(EPOST.root)
    if uids:
        key = history.save(uids, params.get("WebEnv"))
        add(root, "QueryKey", key.query_key)
        add(root, "WebEnv", key.web_env)
    else:
        errors.insert(0, _NO_IDS)
    for error in errors:
        add(root, "ERROR", error)
    return xml_answer(root, EPOST)
