"""Parked messages in an operator's hand: looked at, put back, edited, discarded."""
