# torch's GRUCell, filled with the given weights
from torch import nn


def decoder_step(weights, token, hidden):
    cell = nn.GRUCell(weights["weight_ih"].size(1), hidden.size(1)).to(hidden.device)
    cell.load_state_dict({name: weights[name] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")})
    with torch.no_grad():
        hidden = cell(weights["embedding"][token], hidden)
        return hidden @ weights["output_weight"].t() + weights["output_bias"], hidden
