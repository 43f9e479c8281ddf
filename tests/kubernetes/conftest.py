"""The overlays, rendered once."""

from pathlib import Path

import pytest

from tests.kubernetes.rendered import OVERLAYS, Rendered, installed, render


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("kubernetes"))


@pytest.fixture(scope="session", params=OVERLAYS)
def rendered(site: Path, request: pytest.FixtureRequest) -> Rendered:
    return render(site / "overlays" / request.param)


@pytest.fixture(scope="session")
def production(site: Path) -> Rendered:
    return render(site / "overlays" / "production")
