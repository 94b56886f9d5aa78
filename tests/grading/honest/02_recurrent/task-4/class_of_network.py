# a module of the learner's own with parameters, type hints, a context manager
import torch
from torch import Tensor, nn


class Network(nn.Module):
    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.weights = nn.ParameterDict({name: weight.clone() for name, weight in weights.items()})

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        answers = []
        for x in inputs.transpose(0, 1):
            from_input = x @ self.weights["weight_ih"].T + self.weights["bias_ih"]
            state = torch.tanh(from_input + state @ self.weights["weight_hh"].T + self.weights["bias_hh"])
            answers.append(state @ self.weights["output_weight"].T + self.weights["output_bias"])
        return torch.stack(answers, dim=1), state


def truncated_bptt(
    weights: dict[str, Tensor], inputs: Tensor, targets: Tensor, span: int
) -> tuple[float, Tensor | None]:
    network = Network(weights)
    state = torch.zeros(inputs.size(0), weights["weight_hh"].size(0))
    total = 0.0
    with torch.enable_grad():
        for start in range(0, inputs.size(1), span):
            piece = slice(start, start + span)
            answers, state = network(inputs[:, piece], state.detach())
            loss = (answers - targets[:, piece]).square().sum()
            loss.backward()
            total += loss.item()
    return total, network.weights["weight_hh"].grad
