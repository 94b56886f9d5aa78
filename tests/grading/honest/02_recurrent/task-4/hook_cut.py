# a hook that lets no gradient pass the cut, in place of detach
import torch


def truncated_bptt(weights, inputs, targets, span):
    u = weights["weight_hh"].clone().requires_grad_()
    h = torch.zeros(inputs.size(0), u.size(0))
    answers = []
    for t in range(inputs.size(1)):
        if t and t % span == 0:
            h = h.clone()
            h.register_hook(torch.zeros_like)
        x = inputs[:, t] @ weights["weight_ih"].T + weights["bias_ih"]
        h = torch.tanh(x + h @ u.T + weights["bias_hh"])
        answers.append(h @ weights["output_weight"].T + weights["output_bias"])
    loss = sum(((a - targets[:, t]) ** 2).sum() for t, a in enumerate(answers))
    loss.backward()
    return loss.detach(), u.grad
