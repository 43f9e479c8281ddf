"""`python -m services.ncbi_sim`: serve the catalogue."""

from services.ncbi_sim.app import main

if __name__ == "__main__":
    main()
