# each source apart, without its masked positions; a list of two tensors comes back
import torch
from tqdm import tqdm


def look_back(query, memory, mask, weight):
    contexts = torch.zeros_like(query)
    weights = torch.zeros(*query.shape[:2], memory.shape[1])
    for b in tqdm(range(len(query))):
        kept = memory[b, mask[b]]
        share = (query[b] @ weight @ kept.T).softmax(-1)
        weights[b, :, mask[b]] = share
        contexts[b] = share @ kept
    return [contexts, weights]
