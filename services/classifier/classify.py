"""Label an article: scope, modalities, diseases, kind of evidence, targets and products.

Pure: an article and a taxonomy in, a classification out. The rules are those of the annotation
guideline; the words they go by are the taxonomy's.
"""

from typing import NamedTuple

from services.classifier.confidence import shipped
from services.classifier.disease import diseases
from services.classifier.features import Ground, Setting, vector
from services.classifier.grounds import assumed, by_cue, of_scope, whole
from services.classifier.mentions import Reading, read
from services.classifier.modality import Kinds, choose, kinds_of
from services.classifier.scope import Receptor, receptor_of, scope_of
from services.classifier.scoring import Support, to_label
from services.classifier.study import Study, study_of
from services.classifier.taxonomy import Taxonomy
from services.classifier.trials import trials
from shared.article import Article
from shared.events import Classification

CLASSIFIER_VERSION = "rules-2"
ASSUMED = 0.6
"""What the rules make of a label that a ruling assumes where the text is silent."""


class Findings(NamedTuple):
    """What the rules found: the labels with what each rests on, before any confidence."""

    scope: str
    grounds: list[Ground]
    setting: Setting


def classify(article: Article, taxonomy: Taxonomy) -> Classification:
    """Label one article. Never raises, whatever the text; every label has its evidence."""
    found = findings(article, taxonomy)
    # Checked as a whole: one by one, its labels and their words take half as long again.
    return Classification.model_validate(
        {
            "scope": found.scope,
            "labels": _labels(found),
            "trials": trials(article),
            "taxonomy_version": taxonomy.version,
            "classifier_version": CLASSIFIER_VERSION,
        }
    )


def findings(article: Article, taxonomy: Taxonomy) -> Findings:
    """What the rules find in one article; only labels that have words to show."""
    reading = read(article, taxonomy)
    study = study_of(reading)
    found = diseases(reading, taxonomy)
    receptor = receptor_of(reading, study, _immune(found))
    scope = scope_of(receptor, found, reading, study)
    grounds = [_scope_ground(scope, receptor, found, reading, taxonomy)]
    if receptor.about:
        _drop_complications(found)
        grounds += _kinds(reading, study, receptor, taxonomy)
        grounds += _assumed_disease(scope, found, receptor, reading, taxonomy)
    grounds += [_supported(support) for support in found.values()]
    grounds.append(_evidence_ground(study, reading, taxonomy))
    bare = not any(sentence.place == "abstract" for sentence in reading.sentences)
    kept = [ground for ground in grounds if ground.mentions]
    return Findings(scope, kept, Setting(bare, study.is_review))


def _labels(found: Findings) -> list[dict[str, object]]:
    sure = shipped()
    facets = [ground.label.facet for ground in found.grounds]
    labels = []
    for ground in found.grounds:
        label, mentions, judged, _, shown = ground
        features = vector(ground, facets.count(label.facet), found.setting)
        sureness = sure(label.facet, label.id, features, judged)
        labels.append(to_label(label, shown or mentions, sureness))
    return labels


def _supported(support: Support) -> Ground:
    return Ground(support.label, support.mentions, support.confidence)


def _drop_complications(found: dict[str, Support]) -> None:
    """What a CAR article names in passing (an infection, an injury) is no topic of its own."""
    other = found.get("other")
    if other and all(mention.kind == "weak" for mention in other.best.values()):
        del found["other"]


def _immune(found: dict[str, Support]) -> bool:
    return any(s.label.group in ("autoimmune", "immune") for s in found.values())


def _kinds(reading: Reading, study: Study, receptor: Receptor, taxonomy: Taxonomy) -> list[Ground]:
    kinds = kinds_of(reading, taxonomy)
    chosen = [_modality(name, kinds, receptor, taxonomy) for name in choose(kinds, reading, study)]
    named = [*kinds.targets.values(), *kinds.products.values()]
    return chosen + [_supported(support) for support in named]


def _modality(name: str, kinds: Kinds, receptor: Receptor, taxonomy: Taxonomy) -> Ground:
    support = kinds.modalities.get(name)
    if support:
        return _supported(support)
    mentions = sorted(receptor.mentions, key=lambda m: -m.weight)
    label = taxonomy.by_key[f"modality:{name}"]
    return Ground(label, mentions, ASSUMED, assumed=True, shown=assumed(label, mentions))


def _assumed_disease(
    scope: str,
    found: dict[str, Support],
    receptor: Receptor,
    reading: Reading,
    taxonomy: Taxonomy,
) -> list[Ground]:
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
    label = taxonomy.by_key[f"disease:{name}"]
    shown = by_cue(label, reading)[:1] or assumed(label, mentions)
    return [Ground(label, mentions, ASSUMED, assumed=True, shown=shown)]


def _scope_ground(
    scope: str,
    receptor: Receptor,
    found: dict[str, Support],
    reading: Reading,
    taxonomy: Taxonomy,
) -> Ground:
    label = taxonomy.by_key[f"scope:{scope}"]
    receptors = sorted(receptor.mentions, key=lambda m: -m.weight)[:1] if receptor.about else []
    named = [s.mentions[0] for s in found.values()]
    mentions = [*receptors, *named]
    shown = of_scope(label, receptor, reading)
    if not mentions:
        return Ground(label, whole(label, reading), ASSUMED, assumed=True, shown=shown)
    weights = [m.weight for m in mentions[:2]]
    judged = 0.5 + 0.45 * min(1.0, sum(weights) / len(weights))
    return Ground(label, mentions, judged, shown=shown)


def _evidence_ground(study: Study, reading: Reading, taxonomy: Taxonomy) -> Ground:
    label = taxonomy.by_key[f"evidence:{study.kind}"]
    if study.mentions:
        return Ground(label, study.mentions, study.confidence)
    silent = whole(label, reading)
    return Ground(label, silent, study.confidence, assumed=True, shown=by_cue(label, reading)[:1])
