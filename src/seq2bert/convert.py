"""Reference weights into our modules, with every key and shape checked on the way."""

from torch import Tensor, nn


def from_torch_rnn(reference: nn.RNNBase) -> dict[str, Tensor]:
    """Weights of `torch.nn.RNN`, `GRU` or `LSTM` under the names that `recurrent.Recurrent` gives them.

    torch writes `weight_ih_l0` for what is `layers.0.weight_ih` here; values, shapes and gate order are the same.

    Raises:
        ValueError: the reference is bidirectional, has a projection or lacks biases, which ours does not offer.

    >>> sorted(from_torch_rnn(nn.GRU(3, 4)))
    ['layers.0.bias_hh', 'layers.0.bias_ih', 'layers.0.weight_hh', 'layers.0.weight_ih']
    """
    if reference.bidirectional or reference.proj_size or not reference.bias:
        raise ValueError("only one-directional torch RNNs with biases and without projection can be converted")
    weights = {}
    for name, value in reference.state_dict().items():
        stem, layer = name.rsplit("_l", 1)
        weights[f"layers.{layer}.{stem}"] = value
    return weights
