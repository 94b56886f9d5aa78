# a band between two triangles, less the diagonal, row by row
import torch


def skip_gram_pairs(ids, sentences, reach):
    ones = torch.ones(len(ids), len(ids))
    band = torch.stack([(ones.tril(int(r)) * ones.triu(-int(r)))[i] for i, r in enumerate(reach)])
    band = band.fill_diagonal_(0) * (sentences[:, None] == sentences[None])
    return ids[torch.nonzero(band)]
