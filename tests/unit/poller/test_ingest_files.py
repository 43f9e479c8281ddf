"""NLM's files before they are read: their order, their sums, and which of them are taken in."""

from pathlib import Path

import pytest

from services.poller.ingest.checksum import Checked, Sums, WrongSum, check, expected_md5
from services.poller.ingest.files import in_order, missing_before, place_of
from services.poller.ingest.plan import Past, Planned, Wishes, plan

WHOLE = Checked(Sums("0" * 32, "", 1), has_md5=True)


def named(*numbers: int) -> list[Path]:
    return [Path(f"/files/pubmed26n{number:04}.xml.gz") for number in numbers]


def checked(path: Path, error: str | None = None, has_md5: bool = True) -> tuple[Path, Checked]:
    return path, Checked(Sums("0" * 32, f"sha of {path.name}", 1), has_md5, error)


def steps(planned: tuple[Planned, ...]) -> list[str]:
    return [one.step for one in planned]


def test_files_are_taken_by_their_numbers_and_year() -> None:
    odd = [Path("pubmed26n10000.xml.gz"), Path("pubmed25n1400.xml.gz"), Path("pubmed26n9999.xml")]

    assert [path.name for path in in_order(odd)] == [
        "pubmed25n1400.xml.gz",
        "pubmed26n9999.xml",
        "pubmed26n10000.xml.gz",
    ]


def test_with_a_name_that_is_not_nlms_the_order_given_is_kept() -> None:
    given = [Path("b.xml.gz"), *named(2), Path("a.xml.gz")]

    assert [path.name for path in in_order(given)] == [path.name for path in given]


def test_a_file_that_is_named_twice_is_taken_once() -> None:
    assert len(in_order([*named(1), Path("/files/../files/pubmed26n0001.xml.gz")])) == 1


@pytest.mark.parametrize("name", ["pubmed26n0001.xml.gz.md5", "mypubmed26n0001.xml", "pubmed.xml"])
def test_only_nlms_own_names_have_a_place(name: str) -> None:
    assert place_of(name) is None


def test_numbers_left_out_are_named_only_when_files_of_the_year_came_before() -> None:
    assert list(missing_before("pubmed26n1335.xml.gz", {26: 1332})) == [1333, 1334]
    assert list(missing_before("pubmed26n1335.xml.gz", {26: 1334})) == []
    assert list(missing_before("pubmed26n1335.xml.gz", {25: 1274})) == []
    assert list(missing_before("my.xml.gz", {26: 1})) == []


DIGITS = "900150983cd24fb0d6963f7d28e17f72"  # of "abc" (RFC 1321, A.5)


@pytest.mark.parametrize(
    "text",
    [
        f"MD5(some.xml.gz)= {DIGITS}\n",
        f"MD5 (some.xml.gz) = {DIGITS.upper()}",
        f"{DIGITS}  some.xml.gz\n",
        f"{DIGITS} *./updates/some.xml.gz\n",
        DIGITS,
    ],
)
def test_a_sum_is_read_as_nlm_and_as_md5sum_write_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "some.xml.gz"
    path.write_bytes(b"abc")
    path.with_name("some.xml.gz.md5").write_text(text)

    assert expected_md5(path) == DIGITS
    assert check(path).error is None
    assert check(path).sums.size == 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<html>busy</html>", "there is no MD5 sum in it"),
        (f"MD5(other.xml.gz)= {DIGITS}", "it is about other.xml.gz, not some.xml.gz"),
        (f"MD5(some.xml.gz)= {'0' * 32}", "its MD5 sum is not the one in some.xml.gz.md5"),
    ],
)
def test_what_is_wrong_with_a_sum_is_said(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "some.xml.gz"
    path.write_bytes(b"abc")
    path.with_name("some.xml.gz.md5").write_text(text)

    found = check(path)

    assert complaint in str(found.error)
    assert "download both again" in str(found.error)


def test_a_sum_that_cannot_be_read_is_a_fault_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "some.xml.gz.md5").write_text("nothing")

    with pytest.raises(WrongSum, match="no MD5 sum"):
        expected_md5(tmp_path / "some.xml.gz")


def test_without_a_sum_beside_it_there_is_nothing_to_hold_a_file_against(tmp_path: Path) -> None:
    (tmp_path / "some.xml.gz").write_bytes(b"abc")

    assert not check(tmp_path / "some.xml.gz").has_md5


def test_after_a_refused_file_none_is_taken_in() -> None:
    one, two, three = named(1, 2, 3)

    planned = plan([checked(one), checked(two, "wrong sum"), checked(three)], Past(), Wishes())

    assert steps(planned) == ["apply", "refused", "skipped"]
    assert "comes after pubmed26n0002.xml.gz" in str(planned[2].error)


def test_what_was_taken_in_before_is_known_unless_wanted_again() -> None:
    files = [checked(path) for path in named(1, 2)]
    past = Past(frozenset({"sha of pubmed26n0001.xml.gz"}), frozenset({"pubmed26n0001.xml.gz"}))

    assert steps(plan(files, past, Wishes())) == ["known", "apply"]
    assert steps(plan(files, past, Wishes(again=True))) == ["apply", "apply"]


def test_without_a_sum_there_is_a_warning_or_if_wanted_a_refusal() -> None:
    files = [checked(path, has_md5=False) for path in named(1, 2)]

    (warned, _) = plan(files, Past(), Wishes())
    (refused, skipped) = plan(files, Past(), Wishes(require_md5=True))

    assert warned.step == "apply"
    assert "no pubmed26n0001.xml.gz.md5" in warned.warnings[0]
    assert (refused.step, skipped.step) == ("refused", "skipped")
    assert "download it too" in str(refused.error)


def test_a_gap_in_the_numbers_is_warned_of() -> None:
    files = [checked(path) for path in named(4, 5, 9)]

    planned = plan(files, Past(names=frozenset({"pubmed26n0002.xml.gz"})), Wishes())

    assert [len(one.warnings) for one in planned] == [1, 0, 1]
    assert "number 3 was never taken in" in planned[0].warnings[0]
    assert "numbers 6 to 8 were never taken in" in planned[2].warnings[0]
