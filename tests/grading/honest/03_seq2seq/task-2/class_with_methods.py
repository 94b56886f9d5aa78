# a class of the learner's own holds the weights; one method a gate
import torch


class Cell:
    BLOCKS = dict(r=0, z=1, n=2)

    def __init__(self, weights, size):
        self.weights, self.size = weights, size

    def block(self, name, gate):
        start = self.BLOCKS[gate] * self.size
        return self.weights[name][start : start + self.size]

    def from_input(self, gate, e):
        return e @ self.block("weight_ih", gate).T + self.block("bias_ih", gate)

    def from_state(self, gate, h):
        return h @ self.block("weight_hh", gate).T + self.block("bias_hh", gate)

    def gate(self, name, e, h):
        return torch.sigmoid(self.from_input(name, e) + self.from_state(name, h))

    def step(self, e, h):
        r, z = self.gate("r", e, h), self.gate("z", e, h)
        n = torch.tanh(self.from_input("n", e) + r * self.from_state("n", h))
        return (1 - z) * n + z * h


def decoder_step(weights, token, hidden):
    new = Cell(weights, hidden.shape[1]).step(weights["embedding"][token], hidden)
    return new @ weights["output_weight"].T + weights["output_bias"], new
