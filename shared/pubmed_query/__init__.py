"""PubMed's query language: what a query says, and whether one document is what it asks for."""
