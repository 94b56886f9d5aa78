# plain loops over cells, no tensors until the end
import torch


def pad(sequences, pad_id=0):
    longest = 0
    for s in sequences:
        if len(s) > longest:
            longest = len(s)
    ids = []
    mask = []
    for s in sequences:
        id_row = []
        mask_row = []
        for t in range(longest):
            if t < len(s):
                id_row.append(s[t])
                mask_row.append(True)
            else:
                id_row.append(pad_id)
                mask_row.append(False)
        ids.append(id_row)
        mask.append(mask_row)
    return torch.tensor(ids, dtype=torch.long), torch.tensor(mask, dtype=torch.bool)


def masked_mean(values, mask):
    means = []
    for b in range(values.size(0)):
        total = 0.0
        count = 0
        for t in range(values.size(1)):
            if mask[b, t]:
                total += values[b, t].item()
                count += 1
        means.append(total / count)
    return torch.tensor(means)
