# unfold a padded text into windows of full width, and cross out what is not taken
import torch


def skip_gram_pairs(ids, sentences, reach):
    wide = int(reach.max())
    words = torch.nn.functional.pad(ids, (wide, wide), value=-1).unfold(0, 2 * wide + 1, 1)
    lines = torch.nn.functional.pad(sentences, (wide, wide), value=-1).unfold(0, 2 * wide + 1, 1)
    offset = torch.arange(-wide, wide + 1)
    taken = (offset != 0) & (offset.abs() <= reach[:, None]) & (lines == sentences[:, None])
    centres = ids[:, None].expand_as(words)
    return torch.cat([centres[taken][:, None], words[taken][:, None]], 1)
