"""A preprint and what became of it, a notice and what it is about: who is told what of them."""

from datetime import date

from services.notifier.render import atom, html, slack, text
from services.notifier.render.ties import tie_lines
from services.notifier.ties import Kin, Tie, named, stated_versions, ties, told_once
from shared.article import Correction, Status
from shared.events import Classified
from tests.builders import an_article
from tests.unit.notifier.digests import a_digest, an_entry

SENT = date(2026, 9, 3)


def linked(pmid: int, ref_type: str, other: int, *types: str, source: str = "") -> Classified:
    corrections = (Correction(ref_type=ref_type, pmid=other, source=source or None),)
    return an_entry(pmid, corrections=corrections, publication_types=types)


PREPRINT = linked(1, "UpdateIn", 2, "Preprint")
JOURNAL = linked(2, "UpdateOf", 1, "Journal Article")


def pmids(entries: list[Classified]) -> list[int]:
    return [entry.article.pmid for entry in entries]


def sentence(entry: Classified, kin: Kin, *folded: int) -> list[str]:
    digest = a_digest(entry).shown[0]
    shown = digest.model_copy(update={"ties": ties([entry], folded, kin)[entry.article.pmid]})
    return [f"{line.lead} {line.link.text}{line.tail}" for line in tie_lines(shown)]


def test_of_a_pair_in_one_digest_the_journal_version_is_told() -> None:
    assert pmids(told_once([PREPRINT, JOURNAL], Kin())) == [2]


def test_a_link_on_one_record_alone_is_enough() -> None:
    pair = frozenset({(1, 2)})
    assert pmids(told_once([an_entry(1, publication_types=("Preprint",)), JOURNAL], Kin())) == [
        1,
        2,
    ]
    silent = [an_entry(1, publication_types=("Preprint",)), an_entry(2)]
    assert pmids(told_once(silent, Kin(versions=pair))) == [2]


def test_a_preprint_whose_journal_version_was_sent_does_not_come_any_more() -> None:
    assert told_once([PREPRINT], Kin(told={2})) == []


def test_a_preprint_without_its_journal_version_is_told() -> None:
    assert pmids(told_once([PREPRINT], Kin())) == [1]


def test_the_journal_version_comes_also_to_who_was_sent_the_preprint() -> None:
    assert pmids(told_once([JOURNAL], Kin(told={1}))) == [2]


def test_two_preprints_that_name_each_other_are_not_both_lost() -> None:
    pair = [linked(1, "UpdateIn", 2, "Preprint"), linked(2, "UpdateIn", 1, "Preprint")]
    assert pmids(told_once(pair, Kin())) == [1, 2]


def test_an_older_review_is_no_preprint_and_stays() -> None:
    pair = [linked(1, "UpdateIn", 2, "Review"), linked(2, "UpdateOf", 1, "Review")]
    assert pmids(told_once(pair, Kin())) == [1, 2]


def test_a_record_states_its_versions_of_both_sides() -> None:
    both = an_article(
        pmid=5,
        corrections=(
            Correction(ref_type="UpdateOf", pmid=4),
            Correction(ref_type="UpdateIn", pmid=6),
            Correction(ref_type="UpdateIn", pmid=5),
            Correction(ref_type="CommentIn", pmid=7),
        ),
    )
    assert stated_versions(both) == {(4, 5), (5, 6)}


def test_the_records_to_look_up_are_those_of_either_side_and_of_notices() -> None:
    notice = linked(9, "RetractionOf", 8, "Retraction of Publication")
    articles = [PREPRINT.article, notice.article, an_article(pmid=20)]
    assert named(articles, {(20, 21), (22, 23)}) == {2, 8, 21}


def test_a_preprint_says_where_it_is_published() -> None:
    assert sentence(PREPRINT, Kin()) == ["Preprint, now published: PMID 2."]


def test_a_preprint_of_a_retracted_paper_says_so_and_links_to_no_record_that_is_gone() -> None:
    known = {2: an_article(pmid=2, status=Status.RETRACTED)}
    assert sentence(PREPRINT, Kin(known=known)) == ["Preprint, now published: PMID 2 (retracted)."]
    gone = Kin(known={2: an_article(pmid=2, status=Status.DELETED)})
    (tie,) = ties([PREPRINT], (), gone)[1]
    (line,) = tie_lines(a_digest(PREPRINT).shown[0].model_copy(update={"ties": (tie,)}))
    assert (line.link.url, line.tail) == (None, " (taken out of PubMed).")


def test_a_newer_preprint_is_not_called_published() -> None:
    known = {2: an_article(pmid=2, publication_types=("Preprint",))}
    assert sentence(PREPRINT, Kin(known=known)) == ["Updated by PMID 2."]


def test_a_journal_version_names_the_preprint_that_was_sent_and_when() -> None:
    preprint = {1: an_article(pmid=1, publication_types=("Preprint",))}
    assert sentence(JOURNAL, Kin(known=preprint, sent_on={1: SENT})) == [
        "Published version of preprint PMID 1. You were sent its preprint on 3 September 2026."
    ]


def test_a_journal_version_says_that_its_preprint_is_told_with_it() -> None:
    preprint = {1: an_article(pmid=1, publication_types=("Preprint",))}
    assert sentence(JOURNAL, Kin(known=preprint), 1) == [
        "Published version of preprint PMID 1. "
        "The preprint is told with it, and will not come by itself."
    ]


def test_a_preprint_that_we_do_not_hold_is_known_by_its_server() -> None:
    cited = linked(2, "UpdateOf", 1, source="medRxiv. 2026 Jan 5:2026.01.01.26000001")
    assert sentence(cited, Kin()) == ["Published version of preprint PMID 1."]
    other = linked(2, "UpdateOf", 1, source="Cochrane Database Syst Rev. 2019 Jan 5;1:CD1")
    assert sentence(other, Kin()) == ["An update of PMID 1."]


def test_a_notice_is_linked_to_its_paper_by_title_and_to_when_it_was_sent() -> None:
    notice = linked(9, "ErratumFor", 8, "Published Erratum")
    known = {8: an_article(pmid=8, title="A paper of note.")}
    assert sentence(notice, Kin(known=known, sent_on={8: SENT})) == [
        "Notice about A paper of note (PMID 8). You were sent it on 3 September 2026."
    ]
    retracted = {8: an_article(pmid=8, title="A paper of note.", status=Status.RETRACTED)}
    assert sentence(notice, Kin(known=retracted)) == [
        "Notice about A paper of note (PMID 8, retracted)."
    ]
    assert sentence(notice, Kin()) == ["Notice about PMID 8."]


def test_a_republished_paper_is_no_notice() -> None:
    again = linked(9, "CorrectedandRepublishedFrom", 8, "Journal Article")
    assert sentence(again, Kin()) == ["Republished version of PMID 8."]


def test_a_notice_about_very_many_papers_names_five_and_counts_the_rest() -> None:
    many = tuple(Correction(ref_type="RetractionOf", pmid=n) for n in range(10, 40))
    notice = an_entry(9, corrections=many, publication_types=("Retraction of Publication",))
    told = sentence(notice, Kin())
    assert len(told) == 6
    assert told[-1] == "and 25 more, named in its record."


def test_every_form_of_a_digest_names_and_links_the_tie() -> None:
    item = a_digest(PREPRINT).shown[0]
    tied = item.model_copy(update={"ties": (Tie(kind="published-as", pmid=2, sent_on=SENT),)})
    whole = a_digest(PREPRINT)
    group = whole.groups[0].model_copy(update={"items": (tied,)})
    digest = whole.model_copy(update={"groups": (group,)})

    forms = (
        html.render(digest), text.render(digest), str(slack.payloads(digest)),
        atom.feed([digest], "https://c.example/feed.atom", "Feed").decode(),
    )  # fmt: skip

    for form in forms:
        flat = " ".join(form.split())
        assert "Preprint, now published:" in flat
        assert "https://pubmed.ncbi.nlm.nih.gov/2/" in flat
        assert "You were sent it on 3 September 2026." in flat


def test_a_preprint_that_was_published_bears_no_label_of_an_update() -> None:
    preprint = an_entry(1, publication_types=("Preprint",), status=Status.UPDATED)
    page = text.render(a_digest(preprint))
    assert "Preprint, not peer reviewed" in page
    assert "Updated" not in page
