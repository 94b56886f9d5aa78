"""Reference weights into our modules, with every key and shape checked on the way."""

import torch
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


def from_gpt2(reference: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of transformers' `GPT2LMHeadModel` under the names that `gpt.GPT` gives them.

    GPT-2 multiplies from the right (`Conv1D`), so its matrices are turned; it keeps queries, keys and values in one;
    and its output layer is its table of embeddings.

    Args:
        reference: the model's `state_dict()`.

    Raises:
        ValueError: a weight is missing, left over, or the output layer is not the table.
    """
    rest = dict(reference)

    def take(name: str) -> Tensor:
        if name not in rest:
            raise ValueError(f"these are not the weights of a GPT2LMHeadModel: {name} is missing")
        return rest.pop(name)

    weights = {"tokens.weight": take("transformer.wte.weight"), "positions.weight": take("transformer.wpe.weight")}
    if not torch.equal(take("lm_head.weight"), weights["tokens.weight"]):
        raise ValueError("the output layer lm_head.weight is not the table transformer.wte.weight; ours always is")
    for kind in ("weight", "bias"):
        weights[f"norm.{kind}"] = take(f"transformer.ln_f.{kind}")
    layer = 0
    while any(name.startswith(f"transformer.h.{layer}.") for name in rest):
        theirs, ours = f"transformer.h.{layer}", f"blocks.{layer}"
        for kind in ("weight", "bias"):
            joined = take(f"{theirs}.attn.c_attn.{kind}").chunk(3, -1)
            weights |= {
                f"{ours}.attention.{name}.{kind}": part.mT if part.dim() == 2 else part
                for name, part in zip(("query", "key", "value"), joined, strict=True)
            }
            for their_name, our_name in (
                ("attn.c_proj", "attention.output"),
                ("mlp.c_fc", "feed_forward.0"),
                ("mlp.c_proj", "feed_forward.2"),
            ):
                value = take(f"{theirs}.{their_name}.{kind}")
                weights[f"{ours}.{our_name}.{kind}"] = value.mT if value.dim() == 2 else value
            weights[f"{ours}.attention_norm.{kind}"] = take(f"{theirs}.ln_1.{kind}")
            weights[f"{ours}.feed_forward_norm.{kind}"] = take(f"{theirs}.ln_2.{kind}")
        layer += 1
    if rest:
        raise ValueError(f"weights that a GPT has no place for: {', '.join(sorted(rest))}")
    return weights
