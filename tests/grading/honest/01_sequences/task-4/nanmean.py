# nan where there is nothing, then nanmean
import torch


def perplexity(log_probs, mask):
    return log_probs.masked_fill(~mask, torch.nan).nanmean().neg().exp().item()
