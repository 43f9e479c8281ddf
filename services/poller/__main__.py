"""`python -m services.poller`: run the service."""

from services.poller.app import main
from shared.process import start

start(main)
