"""How a hospital's data become a manifest: importers, annotators, check, de-identification."""
