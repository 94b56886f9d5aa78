# the last rows of the mask of everything
def causal_mask(new, kept=0):
    everything = kept + new
    return torch.ones(everything, everything).tril().bool()[kept:]
