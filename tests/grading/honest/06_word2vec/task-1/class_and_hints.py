# a class with a method, and type hints
from dataclasses import dataclass

import torch
from torch import LongTensor, Tensor


@dataclass
class Text:
    ids: Tensor
    sentences: Tensor
    reach: Tensor

    def window(self, i: int) -> list[int]:
        width = int(self.reach[i])
        places = range(max(i - width, 0), min(i + width + 1, len(self.ids)))
        return [j for j in places if j != i and self.sentences[j] == self.sentences[i]]


def skip_gram_pairs(ids: Tensor, sentences: Tensor, reach: Tensor) -> Tensor:
    text = Text(ids, sentences, reach)
    places = [(i, j) for i in range(len(ids)) for j in text.window(i)]
    return ids[LongTensor(places).view(-1, 2)]
