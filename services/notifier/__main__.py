"""`python -m services.notifier`: run the service."""

from services.notifier.app import main
from shared.process import start

start(main)
