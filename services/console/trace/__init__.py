"""One article's life: from the archive, the stores and the parkings, in the order of time."""
