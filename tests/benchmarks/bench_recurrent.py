"""G4: a training step of the encoder-decoder with our recurrent cells, against the same with torch.nn.GRU and LSTM.

Usage: python -m tests.benchmarks.bench_recurrent [--rounds N] [--steps N]

Both have the same weights at first and see the same batches of words and their sounds, so they must end with the same
loss. One process holds both; each round's order is the reverse of the one before; two steps of warm-up come first.
"""

import argparse
import os
import sys
import time

import torch
from torch import nn

from seq2bert.convert import from_torch_rnn
from seq2bert.data import g2p
from seq2bert.experiments.g2p import epoch_of_batches, vocabularies
from seq2bert.seq2seq import Seq2Seq, Seq2SeqConfig, teacher_forcing_loss
from tests.benchmarks.harness import conclude, interleave

GOALS = {"gru": 0.9, "lstm": 0.5}
TORCH = {"gru": nn.GRU, "lstm": nn.LSTM}
FULL = {"rounds": 7, "steps": 20}
BATCH = 64
WARM_UP = 2


def main():
    parser = argparse.ArgumentParser(prog="bench_recurrent", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=FULL["rounds"])
    parser.add_argument("--steps", type=int, default=FULL["steps"])
    asked = vars(parser.parse_args())
    if os.getloadavg()[0] > 0.5:
        print("something else is running on this computer: the figures will be rough", file=sys.stderr)
    torch.set_num_threads(1)
    full = all(asked[name] >= least for name, least in FULL.items())
    met = [compare(cell, goal, asked, full) for cell, goal in GOALS.items()]
    return all(met)


def compare(cell, goal, asked, full):
    """Measure one cell; print its line and write its record."""
    pairs = g2p.pairs(g2p.split()["train"][: BATCH * asked["steps"]])
    letters, phonemes = vocabularies(pairs)
    batches = epoch_of_batches(pairs, letters, phonemes, BATCH)(torch.Generator().manual_seed(0))
    config = Seq2SeqConfig.preset("base", len(letters), len(phonemes), cell=cell, dropout=0.0)
    programs = {"ours": Training(Seq2Seq(config)), "peer": Training(with_torch(config))}
    programs["ours"].copy(programs["peer"])
    for program in programs.values():
        program.run(batches[:WARM_UP])
    peaks = []
    programs_and_peak = {
        **{name: lambda _, program=program: program.run(batches) for name, program in programs.items()},
        "peak": lambda _: peaks.append(matrix_peak()),
    }
    costs = interleave(asked["rounds"], programs_and_peak)
    losses = {name: program.losses[-1] for name, program in programs.items()}
    flops = sum(step_flops(config, batch) for batch in batches)
    shares = {
        name: max(flops / cost / peak for cost, peak in zip(costs[name], peaks, strict=True)) for name in programs
    }
    settings = {
        **asked,
        "batch_size": BATCH,
        "hidden_size": config.hidden_size,
        "share_of_matrix_product_peak": {name: round(share, 3) for name, share in shares.items()},
    }
    what = f"{cell.upper()} encoder-decoder training step, CPU time with torch.nn by that with our cells"
    same = abs(losses["ours"] - losses["peer"]) < 1e-3
    compared = {name: costs[name] for name in programs}
    return conclude(f"G4-{cell}", what, goal, compared, {"same loss": same}, settings, full)


class TorchRecurrent(nn.Module):
    """torch's network in the place of `Recurrent`: packed where there is a mask."""

    def __init__(self, cell, input_size, hidden_size):
        super().__init__()
        self.network = TORCH[cell](input_size, hidden_size, batch_first=True)

    def forward(self, inputs, mask=None, state=None):
        if state is not None:
            (layer,) = state
            state = tuple(part.unsqueeze(0) for part in layer)
            state = state if len(state) > 1 else state[0]
        if mask is not None:
            inputs = nn.utils.rnn.pack_padded_sequence(inputs, mask.sum(-1), batch_first=True, enforce_sorted=False)
        outputs, final = self.network(inputs, state)
        if mask is not None:
            outputs, _ = nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
        return outputs, (tuple(part[0] for part in (final if isinstance(final, tuple) else (final,))),)


def with_torch(config):
    """An encoder-decoder whose two recurrent networks are torch's."""
    model = Seq2Seq(config)
    for half in (model.encoder, model.decoder):
        half.recurrent = TorchRecurrent(config.cell, config.embedding_size, config.hidden_size)
    return model


class Training:
    """A model on its way, and the CPU seconds of so many steps of it."""

    def __init__(self, model):
        self.model, self.optimizer = model, torch.optim.AdamW(model.parameters(), lr=1e-3)
        self.losses = []

    def copy(self, other):
        """Take over the weights of a model that has torch's networks."""
        weights = other.model.state_dict()
        for half in ("encoder", "decoder"):
            network = getattr(other.model, half).recurrent.network
            weights |= {f"{half}.recurrent.{name}": value for name, value in from_torch_rnn(network).items()}
        self.model.load_state_dict({name: value for name, value in weights.items() if ".network." not in name})

    def run(self, batches):
        started = time.process_time()
        for batch in batches:
            loss = teacher_forcing_loss(self.model, batch)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            self.losses.append(loss.item())
        return time.process_time() - started


def step_flops(config, batch):
    """Floating-point operations of the matrix products of a step, forward and backward, padding included."""
    source, _, targets = batch
    gates = 3 if config.cell == "gru" else 4
    per_token = 2 * gates * config.hidden_size * (config.embedding_size + config.hidden_size)
    output = 2 * config.hidden_size * config.target_vocab
    written = targets[:, 1:].numel()
    return 3 * (per_token * (source.numel() + written) + output * written)


def matrix_peak(size=1024):
    """Floating-point operations a CPU second of a large matrix product, now."""
    matrix = torch.ones(size, size)
    matrix @ matrix
    started = time.process_time()
    for _ in range(5):
        matrix @ matrix
    return 5 * 2 * size**3 / (time.process_time() - started)


if __name__ == "__main__":
    sys.exit(not main())
