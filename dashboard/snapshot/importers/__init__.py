"""One importer for each form in which a department delivers."""
