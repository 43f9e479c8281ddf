"""An installation looked through: is every article somewhere, and nobody told twice?"""
