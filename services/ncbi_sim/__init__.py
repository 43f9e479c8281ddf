"""An NCBI E-utilities stand-in that serves a catalogue, for the demo and the tests.

In: HTTP requests as NCBI's E-utilities take them. Out: NCBI's answers about one catalogue,
as they would stand at the simulated now.
"""
