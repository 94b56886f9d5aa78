# a small class that knows its sizes, with type hints
from dataclasses import dataclass

import torch


@dataclass
class Reading:
    kept: int
    new: int

    def sees(self, place: int) -> list[bool]:
        """What a new place may look at."""
        return [column <= self.kept + place for column in range(self.kept + self.new)]


def causal_mask(new: int, kept: int = 0) -> torch.Tensor:
    reading = Reading(kept, new)
    return torch.tensor([reading.sees(place) for place in range(new)], dtype=torch.bool)
