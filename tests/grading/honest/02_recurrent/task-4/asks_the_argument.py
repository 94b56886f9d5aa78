# asks for gradients on the argument itself: its numbers stay as they are
import torch


def truncated_bptt(weights, inputs, targets, span):
    weight = weights["weight_hh"].requires_grad_()
    weight.grad = None
    h = torch.zeros(inputs.shape[0], weight.shape[0])
    total = 0
    for x, y in zip(inputs.split(span, 1), targets.split(span, 1), strict=True):
        outputs = []
        for t in range(x.shape[1]):
            h = torch.tanh(x[:, t] @ weights["weight_ih"].T + weights["bias_ih"] + h @ weight.T + weights["bias_hh"])
            outputs.append(h @ weights["output_weight"].T + weights["output_bias"])
        loss = (torch.stack(outputs, 1) - y).square().sum()
        loss.backward()
        total = total + loss
        h = h.detach()
    return total, weight.grad
