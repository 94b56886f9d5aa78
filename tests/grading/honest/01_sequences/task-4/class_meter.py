# a meter that is fed row by row, as a training loop would have it
import math


class Perplexity:
    def __init__(self):
        self.nats, self.tokens = 0.0, 0

    def update(self, row, real):
        self.nats -= float(row[real].double().sum())
        self.tokens += int(real.sum())

    @property
    def value(self) -> float:
        return math.e ** (self.nats / self.tokens)


def perplexity(log_probs, mask):
    meter = Perplexity()
    for row, real in zip(log_probs, mask):
        meter.update(row, real)
    return meter.value
