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


def from_torch_attention(reference: nn.MultiheadAttention) -> dict[str, Tensor]:
    """Weights of `torch.nn.MultiheadAttention` under the names that `transformer.MultiHeadAttention` gives them.

    torch keeps queries, keys and values in one matrix, one above the other.

    Raises:
        ValueError: keys or values have a width of their own, or there are no biases, which ours does not offer.

    >>> sorted(from_torch_attention(nn.MultiheadAttention(4, 2)))[:4]
    ['key.bias', 'key.weight', 'output.bias', 'output.weight']
    """
    if reference.in_proj_weight is None or reference.in_proj_bias is None:
        raise ValueError("only torch attentions with biases and one width can be converted")
    weights = {f"output.{name}": value for name, value in reference.out_proj.state_dict().items()}
    for kind, joined in (("weight", reference.in_proj_weight), ("bias", reference.in_proj_bias)):
        parts = zip(("query", "key", "value"), joined.detach().chunk(3), strict=True)
        weights |= {f"{name}.{kind}": part for name, part in parts}
    return weights


def from_torch_layer(reference: nn.TransformerEncoderLayer | nn.TransformerDecoderLayer) -> dict[str, Tensor]:
    """Weights of a torch Transformer layer under the names of `transformer.EncoderLayer` or `DecoderLayer`.

    Whether it is pre-norm or post-norm does not show in the weights; its activation must be ReLU.

    >>> len(from_torch_layer(nn.TransformerEncoderLayer(4, 2, 8)))
    16
    """
    decoder = isinstance(reference, nn.TransformerDecoderLayer)
    attentions = {"attention": reference.self_attn}
    norms = ["add_attention", "add_feed_forward"]
    if decoder:
        attentions["cross_attention"] = reference.multihead_attn
        norms.insert(1, "add_cross_attention")
    weights = {
        f"{ours}.{name}": value
        for ours, module in attentions.items()
        for name, value in from_torch_attention(module).items()
    }
    for ours, module in (("feed_forward.0", reference.linear1), ("feed_forward.3", reference.linear2)):
        weights |= {f"{ours}.{name}": value for name, value in module.state_dict().items()}
    for i, ours in enumerate(norms, 1):
        weights |= {f"{ours}.norm.{name}": value for name, value in getattr(reference, f"norm{i}").state_dict().items()}
    return weights
