"""The data sets of the course: one catalogue, one module a set."""
