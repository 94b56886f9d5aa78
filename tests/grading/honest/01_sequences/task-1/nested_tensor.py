# a class keeps the rows; nested tensors make the rectangle; nan_to_num before a product with the mask
import torch


class Ragged:
    def __init__(self, rows):
        self.rows = [torch.as_tensor(row) for row in rows]

    def rectangle(self, fill):
        return torch.nested.nested_tensor(self.rows).to_padded_tensor(fill)

    def mask(self):
        ones = torch.nested.nested_tensor([torch.ones(len(row)) for row in self.rows])
        return ones.to_padded_tensor(0.0).bool()


def pad(sequences, pad_id=0):
    ragged = Ragged(sequences)
    return ragged.rectangle(pad_id), ragged.mask()


def masked_mean(values, mask):
    finite = torch.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    weights = mask / mask.sum(1, keepdim=True)
    return (finite * weights).sum(1)
