# double precision inside, and the answer stays double
import torch

dot_scores = lambda query, memory: query.double() @ memory.double().mT
general_scores = lambda query, memory, weight: dot_scores(query, memory.double() @ weight.double().T)


def additive_scores(query, memory, query_weight, key_weight, value_weight):
    q, m, w, u, v = (x.to(torch.float64) for x in (query, memory, query_weight, key_weight, value_weight))
    return (torch.tanh((q @ w.T).unsqueeze(2) + (m @ u.T).unsqueeze(1)) @ v.T).squeeze(-1)
