# a module of the learner's own, type hints, outputs written into a buffer
import torch
from torch import Tensor, nn


class MaskedReader(nn.Module):
    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        rows, width = weights["weight_ih"].shape
        self.from_input = nn.Linear(width, rows)
        self.from_state = nn.Linear(rows, rows)
        with torch.no_grad():
            self.from_input.weight.copy_(weights["weight_ih"])
            self.from_input.bias.copy_(weights["bias_ih"])
            self.from_state.weight.copy_(weights["weight_hh"])
            self.from_state.bias.copy_(weights["bias_hh"])

    def forward(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        state = inputs.new_zeros(inputs.size(0), self.from_state.out_features)
        buffer = inputs.new_zeros(inputs.size(0), inputs.size(1), state.size(1))
        for t in range(inputs.size(1)):
            new = torch.tanh(self.from_input(inputs[:, t]) + self.from_state(state))
            state = new.where(mask[:, t, None], state)
            buffer[:, t] = state
        return buffer, state


def read(weights: dict[str, Tensor], inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    with torch.inference_mode():
        outputs, state = MaskedReader(weights)(inputs, mask)
    return outputs.clone(), state.clone()
