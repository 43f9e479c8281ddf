"""What facts mean: each module makes findings of them, without any I/O."""
