"""PubMed as a process of its own: `python -m tests.chaos.standin FOLDER PORT`."""

import sys
from pathlib import Path

import uvicorn

from services.ncbi_sim.app import create_app
from shared.clock import file_clock
from tests.chaos.world import CLOCK, read


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    catalogue = read(folder).library.catalogue
    app = create_app(catalogue, now=file_clock(folder / CLOCK), rate_limit=False)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
