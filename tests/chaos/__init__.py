"""Carillon under fire: real engines, and everything that machines do to them."""
