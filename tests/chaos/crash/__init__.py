"""Every crash point of every transaction boundary, tried: see docs/chaos.md."""
