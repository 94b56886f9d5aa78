# heads are folded into the batch, as bmm likes it
import torch


def multi_head_attention(hidden, memory, weights, num_heads, mask=None):
    batch, steps, width = hidden.shape
    places = memory.size(1)

    def fold(x, name):
        y = torch.nn.functional.linear(x, weights[f"{name}_weight"], weights[f"{name}_bias"])
        return (
            y.view(batch, -1, num_heads, width // num_heads).transpose(1, 2).reshape(batch * num_heads, x.size(1), -1)
        )

    scores = torch.bmm(fold(hidden, "query"), fold(memory, "key").transpose(1, 2)).div((width // num_heads) ** 0.5)
    if mask is not None:
        scores = scores.masked_fill(~mask.expand(batch, num_heads, steps, places).reshape_as(scores), -torch.inf)
    found = torch.bmm(scores.softmax(2), fold(memory, "value")).view(batch, num_heads, steps, -1)
    flat = found.movedim(1, 2).contiguous().view(batch, steps, width)
    return torch.nn.functional.linear(flat, weights["output_weight"], weights["output_bias"])
