# the text is cut into its sentences first, and slices know where they end
import torch


def skip_gram_pairs(ids, sentences, reach):
    pairs = []
    for number in sentences.unique().tolist():
        line = ids[sentences == number].tolist()
        widths = reach[sentences == number].tolist()
        for i, (centre, width) in enumerate(zip(line, widths)):
            for context in line[max(0, i - width) : i] + line[i + 1 : i + 1 + width]:
                pairs.append((centre, context))
    return torch.tensor(pairs, dtype=torch.long).reshape(len(pairs), 2)
