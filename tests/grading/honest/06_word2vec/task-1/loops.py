# two loops and a list
import torch


def skip_gram_pairs(ids, sentences, reach):
    pairs = []
    for i in range(len(ids)):
        for j in range(len(ids)):
            if i != j and abs(i - j) <= reach[i] and sentences[i] == sentences[j]:
                pairs.append([ids[i].item(), ids[j].item()])
    return torch.tensor(pairs, dtype=torch.int64).view(-1, 2)
