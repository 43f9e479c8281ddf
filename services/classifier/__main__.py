"""`python -m services.classifier`: run the service."""

from services.classifier.app import main
from shared.process import start

start(main)
