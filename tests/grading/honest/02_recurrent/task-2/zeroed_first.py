# padding is made harmless first (nan becomes 0), so that a product with the mask is safe
import torch


def read(weights, inputs, mask):
    inputs = torch.nan_to_num(inputs.masked_fill(~mask[..., None], 0.0))
    real = mask[..., None].to(inputs.dtype)
    h = inputs.new_zeros(inputs.shape[0], weights["bias_hh"].shape[0])
    outputs = []
    for t in range(inputs.shape[1]):
        new = (
            (inputs[:, t] @ weights["weight_ih"].T + weights["bias_ih"] + weights["bias_hh"])
            .add(h @ weights["weight_hh"].T)
            .tanh()
        )
        h = real[:, t] * new + (1 - real[:, t]) * h
        outputs += [h]
    return torch.stack(outputs).transpose(0, 1), h
