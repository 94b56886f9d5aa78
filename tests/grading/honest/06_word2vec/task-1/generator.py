# a generator of numbers, read into one flat tensor
import torch


def stream(words, lines, widths):
    for place, (word, line, width) in enumerate(zip(words, lines, widths)):
        for other in range(place - width, place + width + 1):
            if 0 <= other < len(words) and other != place and lines[other] == line:
                yield word
                yield words[other]


def skip_gram_pairs(ids, sentences, reach):
    numbers = list(stream(ids.tolist(), sentences.tolist(), reach.tolist()))
    return torch.tensor(numbers, dtype=torch.int64).reshape(len(numbers) // 2, 2)
