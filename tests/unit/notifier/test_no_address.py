"""What a fault of the database says: never an address."""

import traceback

import pytest
import sqlalchemy as sa

from services.notifier import tables
from shared.database import transaction
from tests.unit.notifier.kit import START, Desk


async def test_no_statement_that_fails_shows_the_address_in_it(desk: Desk) -> None:
    letter = {
        "id": "one", "kind": "confirm", "recipient": "hash", "address": "reader@example.org",
        "told": {}, "created_at": START, "state": "waiting",
    }  # fmt: skip
    with pytest.raises(sa.exc.IntegrityError) as fault:
        async with transaction(desk.engine) as connection:
            for _ in range(2):
                await connection.execute(tables.letters.insert().values(letter))
    told = "".join(traceback.format_exception(fault.value))
    assert "letters" in told
    assert "reader@example.org" not in told
