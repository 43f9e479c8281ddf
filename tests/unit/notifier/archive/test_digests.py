"""A digest that is looked at later: what has become of its papers since."""

from services.notifier.archive.digests import as_of_now
from services.notifier.compose import Beside
from services.notifier.digest import First
from services.notifier.render.ties import tie_lines
from services.notifier.ties import Tie
from shared.article import Status
from tests.unit.notifier.digests import a_digest, an_entry


def test_a_paper_that_was_retracted_since_is_the_first_of_nothing() -> None:
    firsts = tuple(First(pmid=n, modality="CAAR-T", disease="myasthenia") for n in (1, 2))
    told = a_digest(an_entry(1), an_entry(2)).model_copy(update={"firsts": firsts})
    now = as_of_now(told, {1: (Status.RETRACTED, None), 2: (Status.CORRECTED, None)})
    assert [one.pmid for one in now.firsts] == [2]
    assert {one.pmid: one.status for one in now.everything} == {
        1: Status.RETRACTED,
        2: Status.CORRECTED,
    }


def test_a_journal_version_that_was_retracted_since_is_called_so() -> None:
    tie = Tie(kind="published-as", pmid=9)
    told = a_digest(an_entry(1), beside=Beside(ties={1: (tie,)}))
    (line,) = tie_lines(as_of_now(told, {9: (Status.RETRACTED, None)}).everything[0])
    assert "retracted" in line.tail
