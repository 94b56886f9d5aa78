# K times the maximum, which is struck out each time
import torch
from tqdm.auto import trange


def beam_step(scores, log_probs, finished, eos_id=2):
    batch, beams, vocab = log_probs.shape
    rest = torch.where(finished.unsqueeze(-1), torch.tensor(-torch.inf), log_probs)
    rest[:, :, eos_id] = torch.where(finished, 0.0, log_probs[:, :, eos_id])
    rest = (rest + scores.unsqueeze(-1)).view(batch, -1)
    rows, found = torch.arange(batch), []
    for _ in trange(beams, desc="beam"):
        place = rest.argmax(1)
        found.append((rest[rows, place], place // vocab, place % vocab))
        rest[rows, place] = -torch.inf
    return tuple(torch.stack(column, 1) for column in zip(*found))
