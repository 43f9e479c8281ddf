"""The first baseline: the words that a person would put into a saved search, looked up anywhere.

No context, no relations, no abbreviations: a label is given when one of its alternatives stands in
title, abstract or publication types, with certainty: a search has no degrees.
"""

from collections.abc import Sequence

from services.classifier.evaluation.counts import Given
from services.classifier.evaluation.gold import Example
from services.classifier.evaluation.text import text_of

RECEPTOR = ("chimeric antigen receptor", "car-t", "car t", "car-nk", "car-treg", "caar")
_MODALITY = {
    "cd19-car-t": ("cd19",),
    "bcma-car-t": ("bcma",),
    "dual-car-t": ("dual", "bispecific", "tandem", "compound"),
    "other-target-car-t": ("cd20", "cd22", "cd7", "cd70", "her2", "nkg2d", "gprc5d", "fap"),
    "caar-t": ("caar", "chimeric autoantibody receptor"),
    "pmhc-car-t": ("peptide-mhc", "pmhc"),
    "car-treg": ("treg", "regulatory t"),
    "car-nk": ("car-nk", "car nk", "natural killer"),
    "car-other-cell": ("macrophage", "nkt", "gamma delta", "γδ", "mesenchymal"),
    "in-vivo-car": ("in vivo car", "in vivo generation", "lipid nanoparticle"),
    "mrna-car": ("mrna",),
    "allogeneic-car": ("allogeneic", "off-the-shelf", "universal"),
    "car-t-general": ("car-t", "car t", "chimeric antigen receptor t"),
}
_DISEASE = {
    "sle": ("lupus",),
    "lupus-nephritis": ("lupus nephritis",),
    "ssc": ("systemic sclerosis", "scleroderma"),
    "iim": ("myositis", "myopath", "antisynthetase"),
    "ra": ("rheumatoid arthritis",),
    "sjogren": ("sjögren", "sjogren"),
    "aav": ("anca",),
    "igg4-rd": ("igg4",),
    "aps": ("antiphospholipid",),
    "spa-psa": ("spondyl", "psoriatic arthritis"),
    "jia": ("juvenile idiopathic",),
    "mg": ("myasthenia",),
    "ms": ("multiple sclerosis",),
    "nmosd": ("neuromyelitis",),
    "mogad": ("mogad",),
    "autoimmune-encephalitis": ("autoimmune encephalitis",),
    "sps": ("stiff",),
    "cidp": ("demyelinating polyneuropathy", "demyelinating polyradiculoneuropathy"),
    "neuro-other": ("neurolog", "neuroimmun"),
    "pemphigus": ("pemphigus",),
    "pemphigoid": ("pemphigoid",),
    "psoriasis": ("psoriasis",),
    "skin-other": ("vitiligo", "alopecia areata"),
    "t1d": ("type 1 diabetes",),
    "thyroid": ("graves", "thyroid"),
    "ibd": ("crohn", "ulcerative colitis", "inflammatory bowel"),
    "celiac": ("celiac", "coeliac"),
    "autoimmune-liver": ("autoimmune hepatitis", "biliary cholangitis"),
    "membranous-nephropathy": ("membranous nephropathy",),
    "kidney-other": ("glomerul", "iga nephropathy"),
    "itp": ("immune thrombocytopenia",),
    "aiha": ("hemolytic anemia", "haemolytic anaemia"),
    "heme-other": ("hemophilia", "haemophilia", "aplastic an"),
    "gvhd": ("graft-versus-host", "gvhd"),
    "transplant": ("transplant",),
    "allergy": ("allerg", "asthma"),
    "autoimmune-general": ("autoimmun", "rheumat"),
    "cancer": ("cancer", "tumor", "tumour", "lymphoma", "leukemia", "leukaemia", "myeloma"),
}
_EVIDENCE = {
    "notice": ("erratum", "correction to", "retract"),
    "systematic-review": ("systematic review", "meta-analysis", "bibliometric"),
    "guidance": ("consensus", "guideline", "recommendation"),
    "protocol": ("study protocol",),
    "case-report": ("case report", "a case of"),
    "trial": ("clinical trial", "phase 1", "phase i"),
    "review": ("review",),
    "observational": ("cohort", "retrospective", "patients"),
    "commentary": ("editorial", "letter", "comment"),
}
_IMMUNE = frozenset(_DISEASE) - {"cancer", "gvhd", "transplant", "allergy"}


def by_keywords(examples: Sequence[Example]) -> tuple[Given, ...]:
    """What the searcher's words give for each example."""
    return tuple(_labels(text_of(example.article).casefold()) for example in examples)


def _labels(text: str) -> Given:
    receptor = _any(RECEPTOR, text)
    diseases = [label for label, words in _DISEASE.items() if _any(words, text)]
    modalities = [label for label, words in _MODALITY.items() if receptor and _any(words, text)]
    evidence = [label for label, words in _EVIDENCE.items() if _any(words, text)]
    found = {
        "scope": [_scope(receptor, diseases)],
        "modality": modalities,
        "disease": diseases,
        "evidence": evidence[:1] or ["preclinical"],
    }
    return {facet: dict.fromkeys(ids, 1.0) for facet, ids in found.items()}


def _any(words: Sequence[str], text: str) -> bool:
    return any(word in text for word in words)


def _scope(receptor: bool, diseases: Sequence[str]) -> str:
    if not receptor:
        return "none"
    if any(label in _IMMUNE for label in diseases):
        return "core"
    return "adjacent" if set(diseases) & {"gvhd", "transplant", "allergy"} else "oncology"
