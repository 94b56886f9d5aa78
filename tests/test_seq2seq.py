"""Encoder, decoder, loss and search: invariants, parity with torch, and learning on real words."""

import itertools

import pytest
import torch
from torch import nn

from seq2bert.convert import from_torch_rnn
from seq2bert.data import g2p
from seq2bert.evaluation.pronunciation import error_rates
from seq2bert.experiments.g2p import epoch_of_batches, letter_by_letter, vocabularies
from seq2bert.seq2seq import (
    Seq2Seq,
    Seq2SeqConfig,
    beam_search,
    beam_step,
    greedy_search,
    make_batch,
    reverse,
    scheduled_sampling_loss,
    sequence_loss,
    shift,
    teacher_forcing_loss,
    write,
)
from seq2bert.sequences import EOS_ID, PAD_ID, Vocabulary, pad
from seq2bert.training.loop import TrainingConfig, train

SIZES = [("gru", 1), ("lstm", 2), ("rnn", 1)]


def tiny(cell="gru", layers=1, seed=0, **changes):
    torch.manual_seed(seed)
    config = Seq2SeqConfig.preset("tiny", 12, 9, cell=cell, num_layers=layers, **changes)
    return Seq2Seq(config).eval()


def sources(rows=5, seed=0):
    g = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 7, (rows,), generator=g)
    return pad([torch.randint(4, 12, (int(n),), generator=g).tolist() for n in lengths])


@pytest.mark.parametrize("preset", ["tiny", "small", "base"])
@pytest.mark.parametrize(("cell", "layers"), SIZES)
def test_the_formula_counts_the_parameters(preset, cell, layers):
    config = Seq2SeqConfig.preset(preset, 30, 40, cell=cell, num_layers=layers)
    assert config.num_parameters() == sum(p.numel() for p in Seq2Seq(config).parameters())


@pytest.mark.parametrize(("cell", "layers"), SIZES)
@pytest.mark.parametrize("reverse_source", [True, False])
def test_logits_equal_an_encoder_decoder_made_of_torch_modules(cell, layers, reverse_source):
    model = tiny(cell, layers, reverse_source=reverse_source)
    kind = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell]
    source, lengths = sources()
    inputs = torch.randint(0, 9, (5, 4), generator=torch.Generator().manual_seed(1))
    stacks = []
    for ours in (model.encoder.recurrent, model.decoder.recurrent):
        reference = kind(32, 64, layers, batch_first=True)
        ours.load_state_dict(from_torch_rnn(reference))
        stacks.append(reference)
    rows = [row[:n].flip(0) if reverse_source else row[:n] for row, n in zip(source, lengths, strict=True)]
    packed = nn.utils.rnn.pack_sequence([model.encoder.embedding(row) for row in rows], enforce_sorted=False)
    _, state = stacks[0](packed)
    expected = model.decoder.output(stacks[1](model.decoder.embedding(inputs), state)[0])
    torch.testing.assert_close(model(source, lengths, inputs), expected, rtol=0, atol=1e-5)


def test_padding_of_the_source_changes_nothing():
    model = tiny()
    source, lengths = sources()
    wider = torch.cat([source, torch.full((5, 3), PAD_ID)], 1)
    inputs = torch.ones(5, 2, dtype=torch.long)
    torch.testing.assert_close(model(source, lengths, inputs), model(wider, lengths, inputs))


def test_a_row_does_not_depend_on_its_batch():
    model = tiny("lstm", 2)
    source, lengths = sources()
    together = greedy_search(model, source, lengths, 8)
    for i in range(5):
        alone = greedy_search(model, source[i : i + 1, : lengths[i]], lengths[i : i + 1], 8)
        assert together[i, : alone.size(1)].tolist() == alone[0].tolist()


def test_teacher_forcing_never_shows_the_decoder_its_label():
    model = tiny()
    source, lengths = sources()
    inputs = torch.randint(4, 9, (5, 6), generator=torch.Generator().manual_seed(2))
    changed = inputs.clone()
    changed[:, 3:] = 4 + (inputs[:, 3:] - 3) % 5
    one, other = model(source, lengths, inputs), model(source, lengths, changed)
    assert torch.equal(one[:, :3], other[:, :3])
    assert not torch.equal(one[:, 3:], other[:, 3:])


def test_reverse_is_its_own_inverse_and_leaves_padding():
    source, lengths = sources(9)
    turned = reverse(source, lengths)
    assert torch.equal(reverse(turned, lengths), source)
    assert torch.equal(turned == PAD_ID, source == PAD_ID)


def test_shift_pairs_every_input_with_the_token_after_it():
    targets, _ = pad([[1, 5, 6, 7, 2], [1, 8, 2]])
    inputs, labels = shift(targets)
    assert inputs.tolist() == [[1, 5, 6, 7], [1, 8, 2, 0]]
    assert labels.tolist() == [[5, 6, 7, 2], [8, 2, 0, 0]]
    with pytest.raises(ValueError, match="targets must be"):
        shift(torch.ones(3))


def test_loss_is_that_of_the_real_tokens_alone():
    g = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(3, 4, 9, generator=g), torch.tensor([[5, 6, 2, 0], [2, 0, 0, 0], [7, 7, 7, 2]])
    by_hand = [-logits[b, t].log_softmax(-1)[labels[b, t]] for b in range(3) for t in range(4) if labels[b, t] != 0]
    torch.testing.assert_close(sequence_loss(logits, labels), torch.stack(by_hand).mean())
    spoiled = logits.masked_fill((labels == 0).unsqueeze(-1), 1e4)
    torch.testing.assert_close(sequence_loss(spoiled, labels), sequence_loss(logits, labels))


def targets_of(rows=5, steps=4, seed=3):
    g = torch.Generator().manual_seed(seed)
    ends = torch.ones(rows, 1, dtype=torch.long)
    return torch.cat([ends, torch.randint(4, 9, (rows, steps), generator=g), EOS_ID * ends], 1)


def test_scheduled_sampling_with_the_truth_alone_is_teacher_forcing():
    model, batch = tiny(), (*sources(), targets_of())
    losses = scheduled_sampling_loss(model, batch, torch.tensor(1.0)), teacher_forcing_loss(model, batch)
    gradients = [torch.autograd.grad(loss, list(model.parameters())) for loss in losses]
    torch.testing.assert_close(*losses)
    torch.testing.assert_close(*gradients)


def test_scheduled_sampling_without_the_truth_reads_what_greedy_search_writes():
    model, (source, lengths), targets = tiny(seed=4), sources(), targets_of()
    written = greedy_search(model, source, lengths, 5)
    assert (written != targets[:, 1 : 1 + written.size(1)]).any()  # else the truth would do as well
    longest = int((written != PAD_ID).sum(-1).min())  # up to where every row still writes
    read = torch.cat([targets[:, :1], written[:, : longest - 1]], 1)
    expected = sequence_loss(model(source, lengths, read), targets[:, 1 : longest + 1])
    loss = scheduled_sampling_loss(model, (source, lengths, targets[:, : longest + 1]), torch.tensor(0.0))
    torch.testing.assert_close(loss, expected)


def test_the_part_of_truth_is_what_was_asked_for():
    model, (source, lengths), targets = tiny(), sources(), targets_of(steps=40)
    torch.manual_seed(0)
    read = []
    model.decoder.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    scheduled_sampling_loss(model, (source, lengths, targets), torch.tensor(0.7))
    with torch.no_grad():
        same = (torch.cat(read, 1)[:, 1:] == targets[:, 1:-1]).float().mean()
    assert 0.6 < same < 0.95  # some of its own words are right by chance


@pytest.mark.parametrize(("cell", "layers"), SIZES)
def test_a_beam_of_one_is_greedy(cell, layers):
    model = tiny(cell, layers)
    source, lengths = sources(8)
    greedy = greedy_search(model, source, lengths, 6)
    beam = beam_search(model, source, lengths, 6, beam_size=1)[0][:, 0]
    cut = Vocabulary.build(["abcde"]).decode
    assert [cut(row) for row in greedy.tolist()] == [cut(row) for row in beam.tolist()]


def log_probability(model, source, lengths, target):
    """log p(target | source) by teacher forcing, for one source."""
    inputs, labels = shift(torch.tensor([[1, *target]]))
    return model(source, lengths, inputs).log_softmax(-1).gather(-1, labels.unsqueeze(-1)).sum().item()


def test_a_wide_beam_finds_the_best_of_all_targets():
    model = tiny(seed=3)
    source, lengths = sources(1)
    everything = [[*body, EOS_ID] for n in range(3) for body in itertools.product([0, 1, *range(3, 9)], repeat=n)]
    everything += [list(body) for body in itertools.product([0, 1, *range(3, 9)], repeat=3)]  # cut at three tokens
    best = max(everything, key=lambda target: log_probability(model, source, lengths, target))
    ids, scores = beam_search(model, source, lengths, 3, beam_size=9, length_power=0.0)
    assert ids[0, 0].tolist()[: len(best)] == best
    assert scores[0, 0].item() == pytest.approx(log_probability(model, source, lengths, best), abs=1e-4)


def test_beam_scores_are_the_model_s_own():
    model = tiny("lstm")
    source, lengths = sources(4)
    ids, scores = beam_search(model, source, lengths, 5, beam_size=3, length_power=0.0)
    assert (scores.diff(dim=1) <= 0).all()
    for b in range(4):
        for k in range(3):
            row = ids[b, k].tolist()
            target = row[: row.index(EOS_ID) + 1] if EOS_ID in row else row
            one = log_probability(model, source[b : b + 1], lengths[b : b + 1], target)
            assert scores[b, k].item() == pytest.approx(one, abs=1e-4)


def test_a_finished_hypothesis_waits_with_its_score():
    scores, parents, tokens = beam_step(
        torch.tensor([[-1.0, -2.0]]), torch.full((1, 2, 5), -3.0), torch.tensor([[True, False]])
    )
    assert (scores[0, 0], parents[0, 0], tokens[0, 0]) == (-1.0, 0, EOS_ID)
    assert scores[0, 1] == -5.0
    assert parents[0, 1] == 1


@pytest.mark.parametrize("beam_size", [0, 10])
def test_a_senseless_beam_is_refused(beam_size):
    with pytest.raises(ValueError, match="beam_size must lie in"):
        beam_search(tiny(), *sources(), 5, beam_size=beam_size)


def test_a_senseless_length_is_refused():
    for search in (greedy_search, beam_search):
        with pytest.raises(ValueError, match="max_length must be at least 1, got 0"):
            search(tiny(), *sources(), 0)


@pytest.mark.parametrize(
    "change", [dict(hidden_size=0), dict(cell="tree"), dict(dropout=1.0), dict(source_vocab=-1), dict(num_layers=0)]
)
def test_bad_sizes_are_named(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        Seq2SeqConfig(**(dict(source_vocab=5, target_vocab=5) | change))
    with pytest.raises(ValueError, match="preset must be one of"):
        Seq2SeqConfig.preset("huge", 5, 5)


def test_write_answers_in_the_order_of_the_sources():
    letters = Vocabulary.build(["abcdefgh"])
    model = tiny()
    words = ["abcdef", "a", "hg", "abcdef"]
    together = write(model, words, letters, letters, 6, batch_size=2)
    assert together == [write(model, [word], letters, letters, 6)[0] for word in words]
    assert together[0] == together[3]


def test_it_overfits_one_batch_of_real_words():
    one_way = [entry for entry in g2p.split()["train"][:20] if len(entry.pronunciations) == 1]
    pairs = g2p.pairs(one_way)
    letters, phonemes = vocabularies(pairs)
    torch.manual_seed(0)
    model = Seq2Seq(Seq2SeqConfig.preset("tiny", len(letters), len(phonemes)))
    batch = make_batch(pairs, letters, phonemes)
    train(
        model,
        lambda g: [batch] * 10,
        teacher_forcing_loss,
        TrainingConfig(epochs=15, learning_rate=1e-2),
        progress=False,
    )
    assert teacher_forcing_loss(model, batch).item() < 0.05
    said = write(model, [word for word, _ in pairs], letters, phonemes, 20)
    assert [tuple(phrase) for phrase in said] == [way for _, way in pairs]


def test_on_held_out_words_it_beats_saying_letter_by_letter():
    split = g2p.split()
    pairs, test = g2p.pairs(split["train"][:6000]), split["validation"][:300]
    letters, phonemes = vocabularies(pairs)
    torch.manual_seed(0)
    model = Seq2Seq(Seq2SeqConfig.preset("small", len(letters), len(phonemes)))
    config = TrainingConfig(epochs=3, learning_rate=5e-3)
    train(model, epoch_of_batches(pairs, letters, phonemes, 32), teacher_forcing_loss, config, progress=False)
    words, ways = [entry.word for entry in test], [entry.pronunciations for entry in test]
    trivial = error_rates(letter_by_letter(pairs, words), ways)
    learnt = error_rates(write(model, words, letters, phonemes, 30), ways)
    assert learnt.per < 0.85 * trivial.per
