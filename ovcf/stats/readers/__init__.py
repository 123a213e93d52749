"""Reader studies: several readers, several cases, with and without a model."""
