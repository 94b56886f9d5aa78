"""The training loop: schedule, clipping, decay, and restarts that change nothing."""

import itertools
import math
import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from seq2bert.training.loop import TrainingConfig, learning_rate_factor, make_optimizer, to_device, train

G = torch.Generator().manual_seed(0)
X = torch.randn(60, 4, generator=G)
Y = X @ torch.tensor([[1.0], [-2.0], [0.5], [3.0]])


def model(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1))


def batches(generator):
    order = torch.randperm(len(X), generator=generator)
    return [(X[rows], Y[rows]) for rows in order.split(6)]


def loss(net, batch):
    return (net(batch[0]) - batch[1]).square().mean()


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


CONFIG = TrainingConfig(epochs=3, learning_rate=0.02, seed=4)


def run(net, config=CONFIG, **options):
    return train(net, batches, loss, config, progress=False, **options)


def test_it_learns_and_keeps_the_loss_of_every_step():
    history = run(model(), TrainingConfig(epochs=30, learning_rate=0.02))
    assert len(history.losses) == 300
    assert sum(history.losses[-20:]) < 0.3 * sum(history.losses[:20])


def test_one_seed_gives_one_result_and_another_another():
    nets = [model() for _ in range(3)]
    histories = [run(nets[0]), run(nets[1]), run(nets[2], TrainingConfig(epochs=3, learning_rate=0.02, seed=5))]
    assert histories[0].losses == histories[1].losses
    assert torch.equal(weights(nets[0]), weights(nets[1]))
    assert histories[0].losses != histories[2].losses


def test_half_precision_is_for_products_alone():
    seen = set()

    def loss_that_looks(net, batch):
        seen.add(net[0](batch[0]).dtype)
        return loss(net, batch)

    net = model()
    config = TrainingConfig(epochs=30, learning_rate=0.02, precision="bfloat16")
    history = train(net, batches, loss_that_looks, config, progress=False)
    assert seen == {torch.bfloat16}
    assert {p.dtype for p in net.parameters()} == {torch.float32}
    assert sum(history.losses[-20:]) < 0.3 * sum(history.losses[:20])


def test_an_unknown_precision_is_named():
    with pytest.raises(ValueError, match=r"precision must be one of .*, got 'float8'"):
        TrainingConfig(precision="float8")


class Killed(Exception):
    pass


@pytest.mark.parametrize("stop_at", [1, 7, 10, 14, 20, 29])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path, stop_at):
    whole, parts = model(), model()
    expected = run(whole, evaluate=lambda net: {"size": weights(net).norm().item()})
    taken = 0

    def loss_until_killed(net, batch):
        nonlocal taken
        taken += 1
        if taken > stop_at:
            raise Killed
        return loss(net, batch)

    options = dict(checkpoint=tmp_path / "run.pt", checkpoint_every=3, progress=False)
    evaluate = lambda net: {"size": weights(net).norm().item()}  # noqa: E731
    with pytest.raises(Killed):
        train(parts, batches, loss_until_killed, CONFIG, evaluate=evaluate, **options)
    fresh = model(seed=99)  # a restarted program has other weights before it reads the checkpoint
    if not (tmp_path / "run.pt").exists():
        fresh = model()
    history = train(fresh, batches, loss, CONFIG, evaluate=evaluate, **options)
    assert history.losses == expected.losses
    assert history.evaluations == expected.evaluations
    assert torch.equal(weights(fresh), weights(whole))
    assert not fresh.training


def test_kill_minus_nine_in_a_real_process(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from tests.training.test_loop import model, batches, loss, weights, CONFIG\n"
        "from seq2bert.training.loop import train\n"
        "def slow(net, batch):\n    time.sleep(float(sys.argv[3])); return loss(net, batch)\n"
        "net = model()\n"
        "train(net, batches, slow, CONFIG, checkpoint=Path(sys.argv[2]), checkpoint_every=1, progress=False)\n"
        "print(weights(net).double().sum().item())\n"
    )
    root = str(__import__("pathlib").Path(__file__).parents[2])
    checkpoint = tmp_path / "run.pt"
    process = subprocess.Popen([sys.executable, str(script), root, str(checkpoint), "0.2"])
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert checkpoint.exists()
    done = subprocess.run(
        [sys.executable, str(script), root, str(checkpoint), "0"], capture_output=True, text=True, check=True
    )
    whole = model()
    run(whole)
    assert float(done.stdout) == weights(whole).double().sum().item()


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    run(model(), checkpoint=path)
    with pytest.raises(ValueError, match="another configuration; delete or move it"):
        run(model(), TrainingConfig(epochs=4, seed=4), checkpoint=path)
    with pytest.raises(ValueError, match="another configuration"):
        train(nn.Linear(4, 1), batches, loss, CONFIG, checkpoint=path, progress=False)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match="not a readable checkpoint; delete it"):
        run(model(), checkpoint=path)


def test_gradients_are_clipped():
    net = nn.Linear(4, 1)
    seen = []

    class Watch(torch.optim.AdamW):
        def step(self):
            seen.append(torch.cat([p.grad.flatten() for p in net.parameters()]).norm().item())
            return super().step()

    from seq2bert.training import loop

    original, loop.torch.optim.AdamW = torch.optim.AdamW, Watch
    try:
        train(net, batches, lambda n, b: 1e4 * loss(n, b), TrainingConfig(clip_norm=0.5), progress=False)
    finally:
        loop.torch.optim.AdamW = original
    assert max(seen) == pytest.approx(0.5, rel=1e-3)


def test_only_matrices_decay():
    groups = make_optimizer(model(), TrainingConfig(weight_decay=0.1)).param_groups
    assert [(group["weight_decay"], {p.dim() for p in group["params"]}) for group in groups] == [(0.1, {2}), (0.0, {1})]


def test_the_rate_climbs_then_falls():
    config = TrainingConfig(warmup_fraction=0.2, final_fraction=0.1)
    factors = [learning_rate_factor(step, 50, config) for step in range(50)]
    assert factors[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert all(a > b for a, b in itertools.pairwise(factors[9:]))
    assert factors[-1] == pytest.approx(0.1)


def test_a_loss_that_is_not_finite_stops_the_run():
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        train(model(), batches, lambda n, b: loss(n, b) * math.inf, CONFIG, progress=False)


@pytest.mark.parametrize("change", [dict(epochs=0), dict(learning_rate=-1.0), dict(clip_norm=0.0)])
def test_bad_settings_are_named(change):
    with pytest.raises(ValueError, match=f"{next(iter(change))} must be above 0"):
        TrainingConfig(**change)


def test_batches_of_any_nesting_are_moved():
    moved = to_device((X, [Y, (X,)]), torch.device("cpu"))
    assert moved[1][1][0] is X


def test_progress_goes_to_standard_output(capsys):
    train(model(), batches, loss, TrainingConfig(), evaluate=lambda net: {"loss": 0.5})
    out, err = capsys.readouterr()
    assert "epoch 1 of 1: loss 0.5" in out
    assert err == ""
