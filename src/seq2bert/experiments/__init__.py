"""Recorded experiments, one module each: `PROFILES`, `DATA` and `run_seed(settings, seed, folder)`."""
