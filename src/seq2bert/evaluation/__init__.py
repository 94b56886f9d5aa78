"""Metrics that no library has; everything else comes from jiwer, sacrebleu, scikit-learn and scipy."""
