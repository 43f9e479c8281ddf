"""Label an article: scope, modalities, diseases, kind of evidence, targets and products.

Pure: an article and a taxonomy in, a classification out. The rules are those of the annotation
guideline; the words they go by are the taxonomy's.
"""

from services.classifier.disease import diseases
from services.classifier.mentions import Mention, Reading, read
from services.classifier.modality import Kinds, choose, kinds_of
from services.classifier.scope import Receptor, receptor_of, scope_of
from services.classifier.scoring import Support, to_label
from services.classifier.study import Study, study_of
from services.classifier.taxonomy import Taxonomy
from services.classifier.trials import trials
from shared.article import Article
from shared.events import Classification, Label

CLASSIFIER_VERSION = "rules-1"
ASSUMED = 0.6
"""Confidence of what a ruling assumes where the text is silent."""


def classify(article: Article, taxonomy: Taxonomy) -> Classification:
    """Label one article. Never raises, whatever the text; every label has its evidence."""
    reading = read(article, taxonomy)
    study = study_of(reading)
    found = diseases(reading, taxonomy)
    receptor = receptor_of(reading, study, _immune(found))
    scope = scope_of(receptor, found, reading, study)
    labels = [_scope_label(scope, receptor, found, reading, taxonomy)]
    if receptor.about:
        _drop_complications(found)
        labels += _kinds(reading, study, receptor, taxonomy)
        labels += _assumed_disease(scope, found, receptor, reading, taxonomy)
    labels += [to_label(s.label, s.mentions, s.confidence) for s in found.values()]
    labels.append(_evidence_label(study, reading, taxonomy))
    return Classification(
        scope=scope,
        labels=tuple(label for label in labels if label.evidence),
        trials=trials(article),
        taxonomy_version=taxonomy.version,
        classifier_version=CLASSIFIER_VERSION,
    )


def _drop_complications(found: dict[str, Support]) -> None:
    """What a CAR article names in passing (an infection, an injury) is no topic of its own."""
    other = found.get("other")
    if other and all(mention.kind == "weak" for mention in other.best.values()):
        del found["other"]


def _immune(found: dict[str, Support]) -> bool:
    return any(s.label.group in ("autoimmune", "immune") for s in found.values())


def _kinds(reading: Reading, study: Study, receptor: Receptor, taxonomy: Taxonomy) -> list[Label]:
    kinds = kinds_of(reading, taxonomy)
    chosen = [_modality(name, kinds, receptor, taxonomy) for name in choose(kinds, reading, study)]
    named = [*kinds.targets.values(), *kinds.products.values()]
    return chosen + [to_label(s.label, s.mentions, s.confidence) for s in named]


def _modality(name: str, kinds: Kinds, receptor: Receptor, taxonomy: Taxonomy) -> Label:
    support = kinds.modalities.get(name)
    if support:
        return to_label(support.label, support.mentions, support.confidence)
    mentions = sorted(receptor.mentions, key=lambda m: -m.weight)
    return to_label(taxonomy.by_key[f"modality:{name}"], mentions, ASSUMED)


def _assumed_disease(
    scope: str,
    found: dict[str, Support],
    receptor: Receptor,
    reading: Reading,
    taxonomy: Taxonomy,
) -> list[Label]:
    """Ruling 1: a CAR article that names no disease is about cancer, or about other diseases."""
    if found:
        return []
    if scope == "oncology":
        name = "cancer"
    elif scope == "adjacent" and reading.has_cue("beyond-cancer", title=True):
        name = "other"
    else:
        return []
    mentions = sorted(receptor.mentions, key=lambda m: -m.weight)
    return [to_label(taxonomy.by_key[f"disease:{name}"], mentions, ASSUMED)]


def _scope_label(
    scope: str,
    receptor: Receptor,
    found: dict[str, Support],
    reading: Reading,
    taxonomy: Taxonomy,
) -> Label:
    label = taxonomy.by_key[f"scope:{scope}"]
    receptors = sorted(receptor.mentions, key=lambda m: -m.weight)[:1] if receptor.about else []
    named = [s.mentions[0] for s in found.values()]
    mentions = [*receptors, *named]
    if not mentions:
        return _from_title(label.key, reading, taxonomy, ASSUMED)
    weights = [m.weight for m in mentions[:2]]
    return to_label(label, mentions, 0.5 + 0.45 * min(1.0, sum(weights) / len(weights)))


def _evidence_label(study: Study, reading: Reading, taxonomy: Taxonomy) -> Label:
    label = taxonomy.by_key[f"evidence:{study.kind}"]
    if study.mentions:
        return to_label(label, study.mentions, study.confidence)
    return _from_title(label.key, reading, taxonomy, study.confidence)


def _from_title(key: str, reading: Reading, taxonomy: Taxonomy, confidence: float) -> Label:
    """A label that rests on the title as a whole: on what it does not say."""
    label = taxonomy.by_key[key]
    title = reading.sentences[0]
    if not title.words:
        return to_label(label, (), confidence)
    whole = Mention(label, "weak", "by default", title, 0, len(title.words), 0.0)
    return to_label(label, [whole], confidence)
