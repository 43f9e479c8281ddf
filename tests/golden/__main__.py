"""`python -m tests.golden`: show what became of the demo's labels, and keep it (`make golden`)."""

import sys

from services.classifier.settings import TAXONOMY
from services.classifier.taxonomy import load_taxonomy
from services.console.demo_articles import demo_articles
from tests.golden.differences import differences
from tests.golden.kept import KEPT, from_text, label_all, to_text


def main() -> None:
    """Write the file anew; the changes go to standard output."""
    before = from_text(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    after = label_all(demo_articles(), load_taxonomy(TAXONOMY))
    changes = differences(before, after)
    KEPT.write_text(to_text(after), encoding="utf-8")
    sys.stdout.write("".join(f"{line}\n" for line in changes or ["no label has changed"]))


main()
