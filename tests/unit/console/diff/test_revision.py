"""Another revision's classifier, in a process of its own."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from services.classifier.classify import classify
from services.console.diff.compare import Failed, compare
from services.console.diff.revision import by_revision
from services.console.diff.sides import Answers
from shared.article import AbstractSection
from shared.errors import ConfigurationError
from shared.events import Classification
from tests.builders import a_discovery
from tests.unit.console.diff.past import SHIPPED, TEXTS, an_article

ROOT = Path(__file__).parents[4]
NAMES = {one.key: one.name for one in SHIPPED.labels}
LATER = AbstractSection(text=f"Much is known of receptors. {TEXTS[2]}")
ARTICLES = [an_article(number) for number in range(len(TEXTS))]
ARTICLES[2] = ARTICLES[2].model_copy(update={"abstract": (LATER,)})

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def _git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def _commit(folder: Path) -> Path:
    _git(folder, "init", "-q")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", "one")
    _git(folder, "tag", "then")
    return folder


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This code with a taxonomy that has no word for pemphigus, tagged `then`."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("services", "shared"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    taxonomy = folder / "services/classifier/taxonomy/car_autoimmune.toml"
    text = taxonomy.read_text(encoding="utf-8")
    assert 'patterns = ["pemphigus"]' in text
    taxonomy.write_text(text.replace('patterns = ["pemphigus"]', "patterns = []"), "utf-8")
    return _commit(folder)


async def _answers(checkout: Path, name: str = "then") -> Answers:
    async with by_revision(name, NAMES, checkout) as side:
        return [*await side(ARTICLES[:3]), *await side(ARTICLES[3:])]


def test_its_own_code_and_taxonomy_answer_in_order(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLASSIFIER_TAXONOMY", "/nowhere.toml")

    found = asyncio.run(_answers(checkout))

    differing = []
    for article, old in zip(ARTICLES, found, strict=True):
        assert isinstance(old, Classification)
        entry = a_discovery(article=article)
        if one := compare(entry, "e1", old, classify(article, SHIPPED)):
            differing.append((one.pmid, [x.id for x in one.labels if x.kind == "added"]))
    assert differing == [(50000001, ["pemphigus"]), (50000006, ["pemphigus"])]


def test_an_answer_is_the_classification_that_was_made(checkout: Path) -> None:
    """Names, confidences, sentences and spans come through the pipe as they were."""
    found = asyncio.run(_answers(checkout))

    for number in (0, 2, 3, 4, 5):
        assert found[number] == classify(ARTICLES[number], SHIPPED)


def test_a_revision_that_is_not_there_is_said(checkout: Path) -> None:
    for name in ("never", "--help", "then:services"):
        with pytest.raises(ConfigurationError, match="no such revision"):
            asyncio.run(_answers(checkout, name))


def test_a_folder_that_is_no_checkout_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="needs git and a checkout"):
        asyncio.run(_answers(tmp_path))


def test_a_revision_without_our_folders_is_said(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("another project")

    with pytest.raises(ConfigurationError, match=r"has not the folders services/ and shared/"):
        asyncio.run(_answers(_commit(tmp_path)))


def test_one_without_the_command_is_said_with_its_last_words(tmp_path: Path) -> None:
    _program(tmp_path, "import sys; sys.exit('no such command')")

    with pytest.raises(ConfigurationError, match=r"it ended with 1 \(no such command\)"):
        asyncio.run(_answers(_commit(tmp_path)))


def test_an_answer_that_cannot_be_read_is_a_failure_of_its_article(tmp_path: Path) -> None:
    program = """
import sys
for number, line in enumerate(sys.stdin):
    print(['no json', '{"error": "too long"}', '{"scope": 1}'][number % 3], flush=True)
"""
    _program(tmp_path, program)

    found = asyncio.run(_answers(_commit(tmp_path)))

    assert all(isinstance(one, Failed) for one in found)
    assert found[1] == Failed("too long")


def _program(folder: Path, text: str) -> None:
    for name in ("services/console", "shared"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
    (folder / "services/__init__.py").touch()
    (folder / "services/console/__main__.py").write_text(text)
