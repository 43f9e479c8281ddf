"""Articles in the forms that reference managers, spreadsheets and programs read. Pure."""
