"""An NCBI E-utilities stand-in that serves a catalogue, for the demo and the tests."""
