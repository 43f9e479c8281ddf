import pytest

from services.classifier.settings import TAXONOMY, Settings
from services.classifier.taxonomy import load_taxonomy
from shared.errors import ConfigurationError
from shared.settings import load

URLS = {
    "CLASSIFIER_DATABASE_URL": "postgresql+asyncpg://u:secret@db/carillon",
    "CLASSIFIER_AMQP_URL": "amqp://u:secret@mq/",
}


def test_the_packaged_taxonomy_is_used_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in URLS.items():
        monkeypatch.setenv(name, value)
    settings = load(Settings, folders=())

    assert settings.taxonomy == TAXONOMY
    assert load_taxonomy(settings.taxonomy).id == "car-autoimmune"
    assert "secret" not in repr(settings)


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in URLS:
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ConfigurationError, match="CLASSIFIER_DATABASE_URL"):
        load(Settings, folders=())


def settings(monkeypatch: pytest.MonkeyPatch, **opinion: str) -> Settings:
    for name, value in {**URLS, **opinion}.items():
        monkeypatch.setenv(name, value)
    return load(Settings, folders=())


def test_nobody_is_asked_for_an_opinion_unless_somebody_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert settings(monkeypatch).opinion() is None
    assert settings(monkeypatch, CLASSIFIER_OPINION_URL="").opinion() is None


def test_whom_to_ask_is_set_with_an_address_and_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(
        monkeypatch,
        CLASSIFIER_OPINION_URL="https://model.test/v1",
        CLASSIFIER_OPINION_MODEL="tiny",
        CLASSIFIER_OPINION_API_KEY="k3y",
        CLASSIFIER_OPINION_TIMEOUT="5",
    )

    endpoint = given.opinion()

    assert endpoint is not None
    assert (endpoint.url, endpoint.model, endpoint.seconds) == ("https://model.test/v1", "tiny", 5)
    assert "k3y" not in repr(given) + repr(endpoint)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"CLASSIFIER_OPINION_URL": "https://model.test"}, "set both CLASSIFIER_OPINION_URL"),
        ({"CLASSIFIER_OPINION_MODEL": "tiny"}, "set both CLASSIFIER_OPINION_URL"),
        ({"CLASSIFIER_OPINION_URL": "model.test"}, "CLASSIFIER_OPINION_URL"),
        ({"CLASSIFIER_OPINION_TIMEOUT": "0"}, "CLASSIFIER_OPINION_TIMEOUT"),
    ],
)
def test_half_of_whom_to_ask_is_refused(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        settings(monkeypatch, **wrong)
