"""The course's one training loop, and what it needs to survive a kill."""
