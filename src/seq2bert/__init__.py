"""From Sequences to BERT: every model of the story, one small module each."""

__version__ = "0.1.0"
