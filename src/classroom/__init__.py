"""Release, check and grade notebook assignments. Knows nothing about what a course teaches."""

__version__ = "0.1.0"
