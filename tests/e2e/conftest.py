"""What several stories compare with."""

import pytest

from tests.e2e.mailbox import Told
from tests.e2e.stack import embedded_demo


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The demo without a server: what mails and labels must be, whatever is done beside."""
    return embedded_demo(tmp_path_factory.mktemp("embedded"))
