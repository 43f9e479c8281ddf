"""What comes with a request: its form, read whatever it is."""

from fastapi import Request
from starlette.exceptions import HTTPException

from services.notifier.web.form import Filled

MOST_FIELDS = 1000


async def filled(request: Request) -> Filled:
    """The fields of a form, in either encoding; none where the body is no form.

    Raises:
        HTTPException: the body is larger than it may be.
    """
    try:
        form = await request.form(max_fields=MOST_FIELDS, max_files=0)
    except HTTPException as error:
        if error.status_code == 413:
            raise
        return Filled()
    return Filled.of(form.multi_items())
