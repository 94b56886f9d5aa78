# masked_fill twice: once for everything, once for <eos>
def beam_step(scores, log_probs, finished, eos_id=2):
    vocab = log_probs.shape[-1]
    done = finished[:, :, None]
    is_eos = torch.arange(vocab, device=log_probs.device) == eos_id
    table = log_probs.masked_fill(done, float("-inf")).masked_fill(done & is_eos, 0.0)
    best = torch.topk((table + scores[:, :, None]).reshape(len(scores), -1), scores.shape[1], dim=1)
    return best.values, torch.div(best.indices, vocab, rounding_mode="floor"), torch.remainder(best.indices, vocab)
