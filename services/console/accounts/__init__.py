"""Who may what at broker and database: an account for each service, with what it needs alone."""
