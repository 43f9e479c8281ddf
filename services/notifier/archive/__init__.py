"""The archive: every article of a topic, to be searched, filtered, counted and taken along."""
