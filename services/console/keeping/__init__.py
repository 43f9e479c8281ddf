"""Backup and restore: the stores and the archive as a folder, and a folder as an installation."""
