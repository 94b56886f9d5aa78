# written for one centre, mapped over all of them
import torch


def skip_gram_pairs(ids, sentences, reach):
    places = torch.arange(len(ids))

    def window(place, sentence, width):
        distance = (places - place).abs()
        return (distance > 0) & (distance <= width) & (sentences == sentence)

    rows, columns = torch.where(torch.vmap(window)(places, sentences, reach))
    return torch.column_stack([ids[rows], ids[columns]])
