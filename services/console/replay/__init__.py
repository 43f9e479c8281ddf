"""Replay: any stretch of the past through today's code."""
