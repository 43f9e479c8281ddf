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
