"""Files as NLM makes them, and their way into a tiny topic."""

import gzip
import hashlib
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.ext.asyncio import AsyncEngine

from services.poller.ingest.plan import Wishes
from services.poller.ingest.readers import Readers
from services.poller.ingest.report import Report
from services.poller.ingest.run import ingest
from services.poller.ingest.take import Intake
from services.poller.topic import Topic
from tests.unit.poller.fakes import BASE, article_set
from tests.unit.poller.polling import DAY, ONLY_WORDS

TODAY = DAY.date()


def entry(
    pmid: int,
    title: str = "A CAR that is new",
    entered: datetime = DAY,
    revised: date = TODAY,
    more: str = "",
    data: str = "",
) -> str:
    """A record as it stands in NLM's files."""
    return (
        f'<PubmedArticle><MedlineCitation><PMID Version="1">{pmid}</PMID>'
        f"<DateRevised><Year>{revised.year}</Year><Month>{revised.month}</Month>"
        f"<Day>{revised.day}</Day></DateRevised><Article><Journal><Title>J</Title></Journal>"
        f"<ArticleTitle>{title}</ArticleTitle></Article>{more}</MedlineCitation><PubmedData>"
        f'<History><PubMedPubDate PubStatus="entrez"><Year>{entered.year}</Year>'
        f"<Month>{entered.month}</Month><Day>{entered.day}</Day></PubMedPubDate></History>"
        f"{data}</PubmedData></PubmedArticle>"
    )


def citing(*pmids: int) -> str:
    cited = "".join(
        "<Reference><ArticleIdList>"
        f'<ArticleId IdType="pubmed">{pmid}</ArticleId></ArticleIdList></Reference>'
        for pmid in pmids
    )
    return f"<ReferenceList>{cited}</ReferenceList>"


def deleting(*pmids: int) -> str:
    numbers = "".join(f'<PMID Version="1">{pmid}</PMID>' for pmid in pmids)
    return f"<DeleteCitation>{numbers}</DeleteCitation>"


def nlm_file(folder: Path, number: int, *records: str) -> Path:
    """A file with the sum beside it, in NLM's form."""
    path = folder / f"pubmed26n{number:04}.xml.gz"
    path.write_bytes(gzip.compress(article_set(*records), mtime=0))
    add_md5(path)
    return path


def add_md5(path: Path) -> None:
    digits = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    path.with_name(f"{path.name}.md5").write_text(f"MD5({path.name})= {digits}\n")


async def take(
    engine: AsyncEngine,
    paths: Sequence[Path],
    topic: Topic = ONLY_WORDS,
    wishes: Wishes | None = None,
    executor: Executor | None = None,
    now: datetime = DAY,
) -> list[Report]:
    """Take in files. A thread reads them, unless told otherwise: processes start slowly."""
    with TemporaryDirectory() as spools, executor or ThreadPoolExecutor(2) as workers:
        readers = Readers(workers, 2, Path(spools))
        intake = Intake(engine, lambda: now, BASE, readers, lambda _doing: None)
        return [one async for one in ingest(intake, topic, paths, wishes or Wishes())]


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)
