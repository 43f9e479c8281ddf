"""The two faults a service can meet: one that may pass, and one that will not."""

from datetime import timedelta


class CarillonError(Exception):
    """Anything Carillon raises on purpose. The message says what, which, and what to do."""


class Retryable(CarillonError):
    """The same input may succeed later.

    `retry_after` is the least time to wait when the other side named one (HTTP `Retry-After`).
    """

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Away(Retryable):
    """An engine, the database or the broker, cannot be reached: it says nothing about the input.

    Who has the input in hand waits for the engine; it is no failed attempt of the input.
    """


class Forbidden(Away):
    """The engine answers, and our account may not do this: somebody has to change the account."""


class Permanent(CarillonError):
    """The same input will fail again, however often it is tried."""


class ConfigurationError(Permanent):
    """A setting, topic or subscription cannot be used. Raised at start-up or by a command."""
