"""Topic files: what is accepted, and how a wrong one is told."""

from pathlib import Path

import pytest

from services.poller.topic import read_topic, read_topics
from shared.errors import ConfigurationError

TOPICS = Path(__file__).parents[3] / "topics"
GOOD = 'id = "t"\ntitle = "T"\nseed = 1\n[[query]]\nname = "q"\nterm = "car[tiab]"\n'


def topic_file(folder: Path, content: str, name: str = "t.toml") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_the_default_topic_watches_the_seed_by_every_relation() -> None:
    (topic,) = read_topics(TOPICS)

    assert (topic.id, topic.seed) == ("car-autoimmune", 39450112)
    assert topic.query
    assert topic.similar
    assert topic.cited_by
    assert topic.references


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    topic = read_topic(topic_file(tmp_path, GOOD))

    assert (topic.initial_lookback_days, topic.overlap_days, topic.poll_every_minutes) == (
        30,
        14,
        60,
    )
    assert topic.source == "urn:carillon:poller:t"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (GOOD.replace("seed = 1", ""), "seed: Field required"),
        (GOOD.replace("seed = 1", "seed = 0"), "seed: Input should be greater"),
        (GOOD.replace("seed = 1", "seed = 1\nsede = 2"), "sede: Extra inputs"),
        (GOOD.replace('"car[tiab]"', '" "'), "query.0.term"),
        (GOOD.replace('name = "q"', 'name = "Q q"'), "query.0.name"),
        (GOOD + '[[query]]\nname = "q"\nterm = "other"\n', "same name; rename one"),
        ('id = "t"\ntitle = "T"\nseed = 1\n', "no relation to the seed"),
        (GOOD + "[similar]\ntop = 0\n", "similar.top"),
        (GOOD.replace('id = "t"', 'id = "u"'), "make them the same"),
        ("id = ", "not valid TOML"),
    ],
)
def test_a_wrong_topic_is_told_with_file_and_field(tmp_path: Path, content: str, says: str) -> None:
    path = topic_file(tmp_path, content)

    with pytest.raises(ConfigurationError) as caught:
        read_topic(path)

    assert says in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_topic_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_topic(tmp_path / "none.toml")


def test_a_topic_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigurationError, match="not valid TOML"):
        read_topic(path)


def test_a_folder_without_topics_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no topic file"):
        read_topics(tmp_path)
