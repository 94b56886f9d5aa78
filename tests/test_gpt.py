"""GPT: it never looks ahead, what it keeps changes nothing, and it is transformers' GPT-2 number by number."""

import pytest
import torch
from torch.nn import functional as F

from seq2bert.convert import from_gpt2
from seq2bert.gpt import GPT, GPTClassifier, GPTConfig, filter_logits, fine_tuning_loss, for_task, generate
from seq2bert.recurrent import after_bos, next_token_loss
from seq2bert.sequences import BOS_ID, EOS_ID, PAD_ID
from seq2bert.training.loop import TrainingConfig, train
from seq2bert.transformer import attention_maps


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_ids(*shape, vocab=50, seed=0):
    return torch.randint(5, vocab, shape, generator=generator(seed))


@pytest.fixture
def model():
    """A tiny GPT whose weights are large enough for every part to matter."""
    torch.manual_seed(0)
    model = GPT(GPTConfig.preset("tiny", 50)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


# Sizes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tiny", "small", "base"])
def test_the_formula_counts_the_parameters(name):
    config = GPTConfig.preset(name, 97)
    assert sum(p.numel() for p in GPT(config).parameters()) == config.num_parameters()


def test_gpt2_has_the_published_size():
    with torch.device("meta"):
        model = GPT(GPTConfig.preset("gpt2", 50257))
    assert sum(p.numel() for p in model.parameters()) == 124_439_808


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (dict(num_heads=3), "num_heads must divide hidden_size 32, got 3"),
        (dict(num_layers=0), "num_layers must be at least 1, got 0"),
        (dict(dropout=1.0), r"dropout must lie in \[0, 1\), got 1.0"),
    ],
)
def test_bad_sizes_are_named(changes, said):
    with pytest.raises(ValueError, match=said):
        GPTConfig.preset("tiny", 50, **changes)


def test_an_unknown_preset_is_named():
    with pytest.raises(ValueError, match=r"preset must be one of .*'gpt3'"):
        GPTConfig.preset("gpt3", 50)


# Invariants -----------------------------------------------------------------------------------------------------------


def test_no_position_sees_what_comes_after_it(model):
    ids = random_ids(2, 12)
    before, _ = model(ids)
    for t in range(1, 12):
        changed = ids.clone()
        changed[:, t:] = random_ids(2, 12 - t, seed=1)
        assert torch.equal(model(changed)[0][:, :t], before[:, :t])


def test_no_gradient_comes_from_the_future(model):
    embedded = model.tokens(random_ids(1, 9)).detach().requires_grad_()
    hidden = embedded + model.positions.weight[:9]
    for block in model.blocks:
        hidden, _ = block(hidden)
    hidden[0, 4].sum().backward()
    reached = embedded.grad[0].abs().sum(-1) > 0
    assert reached.tolist() == [True] * 5 + [False] * 4


def test_padding_at_the_end_changes_nothing(model):
    ids = random_ids(2, 10)
    padded = F.pad(ids, (0, 5), value=PAD_ID)
    torch.testing.assert_close(model(padded)[0][:, :10], model(ids)[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("pieces", [[10], [4, 6], [1] * 10, [3, 1, 6]])
def test_reading_in_pieces_is_reading_at_once(model, pieces):
    ids = random_ids(3, 10)
    whole, whole_state = model(ids)
    state, found = None, []
    for piece in ids.split(pieces, 1):
        logits, state = model(piece, state)
        found.append(logits)
    torch.testing.assert_close(torch.cat(found, 1), whole, atol=1e-5, rtol=0)
    for kept, expected in zip(state, whole_state, strict=True):
        torch.testing.assert_close(kept, expected, atol=1e-5, rtol=0)


def test_a_text_that_is_too_long_is_refused(model):
    with pytest.raises(ValueError, match="a text of 65 tokens is longer than max_positions 64"):
        model(random_ids(1, 65))
    _, state = model(random_ids(1, 60))
    with pytest.raises(ValueError, match="65 tokens"):
        model(random_ids(1, 5), state)


def test_the_weights_are_those_of_the_fused_kernel(model):
    ids = random_ids(2, 8)
    maps = attention_maps(model, ids)
    assert list(maps) == [f"blocks.{i}.attention" for i in range(2)]
    for weights in maps.values():
        assert weights.shape == (2, 4, 8, 8)
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 8))
        assert not weights.triu(1).any()
    attention = model.blocks[0].attention
    hidden = torch.randn(2, 8, 32, generator=generator())
    by_hand = attention.weights(hidden) @ attention.split(attention.value(hidden))
    expected = attention.output(by_hand.transpose(1, 2).flatten(2))
    torch.testing.assert_close(attention(hidden)[0], expected, atol=1e-5, rtol=0)


def test_the_weights_of_a_step_look_at_what_was_kept(model):
    attention = model.blocks[0].attention
    hidden = torch.randn(1, 6, 32, generator=generator())
    _, kept = attention(hidden[:, :4])
    torch.testing.assert_close(attention.weights(hidden[:, 4:], kept), attention.weights(hidden)[:, :, 4:])


def test_log_probs_are_those_of_each_token_given_the_ones_before(model):
    ids = random_ids(2, 7)
    logits, _ = model(after_bos(ids))
    expected = logits.log_softmax(-1).gather(-1, ids.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(model.log_probs(ids), expected)
    torch.testing.assert_close(-model.log_probs(ids).mean(), next_token_loss(model, ids))


def test_what_is_added_to_the_residual_path_starts_smaller():
    torch.manual_seed(0)
    block = GPT(GPTConfig.preset("base", 50)).blocks[0]
    assert abs(block.feed_forward[0].weight.std() - 0.02) < 5e-4
    for weight in (block.attention.output.weight, block.feed_forward[2].weight):
        assert abs(weight.std() - 0.02 / 8**0.5) < 2e-4


# Parity with transformers ---------------------------------------------------------------------------------------------


CONFIGS = [
    dict(hidden_size=16, num_heads=2, num_layers=1, max_positions=40),
    dict(hidden_size=48, num_heads=3, num_layers=3, max_positions=40),
    dict(hidden_size=64, num_heads=8, num_layers=2, max_positions=48),
]


def twins(config):
    """transformers' GPT-2 with random weights, and ours with the same."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(1)
    reference = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=60,
            n_embd=config["hidden_size"],
            n_head=config["num_heads"],
            n_layer=config["num_layers"],
            n_positions=config["max_positions"],
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            initializer_range=0.2,
            bos_token_id=BOS_ID,
            eos_token_id=EOS_ID,
            pad_token_id=PAD_ID,
        )
    ).eval()
    for parameter in reference.parameters():  # norms and biases, too, must matter
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    ours = GPT(GPTConfig(60, **config, dropout=0.0)).eval()
    ours.load_state_dict(from_gpt2(reference.state_dict()))
    return ours, reference


@pytest.mark.parametrize("config", CONFIGS)
def test_logits_and_gradients_are_those_of_transformers(config):
    ours, reference = twins(config)
    ids = random_ids(3, 20, vocab=60)
    logits, expected = ours(ids)[0], reference(ids).logits
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)
    reference(ids, labels=ids).loss.backward()
    F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).backward()
    # The conversion is linear, so gradients go through it as weights do.
    theirs = {name: p.grad for name, p in reference.named_parameters()}
    converted = from_gpt2(theirs | {"lm_head.weight": theirs["transformer.wte.weight"]})
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, converted[name], atol=1e-4, rtol=1e-4, msg=name)


@pytest.mark.parametrize("config", CONFIGS)
def test_greedy_ids_are_those_of_transformers(config):
    ours, reference = twins(config)
    prompt = random_ids(1, 5, vocab=60)
    expected = reference.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=30)
    assert generate(ours, prompt, 30).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda w: w.pop("transformer.h.1.mlp.c_fc.bias"), "transformer.h.1.mlp.c_fc.bias is missing"),
        (lambda w: w.update({"transformer.h.0.extra": torch.zeros(1)}), "no place for: transformer.h.0.extra"),
        (lambda w: w.update({"lm_head.weight": torch.zeros(60, 48)}), "lm_head.weight is not the table"),
    ],
)
def test_weights_that_do_not_fit_are_named(damage, said):
    weights = twins(CONFIGS[1])[1].state_dict()
    damage(weights)
    with pytest.raises(ValueError, match=said):
        from_gpt2(weights)


# Writing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [dict(top_k=5), dict(top_p=0.7), dict(temperature=0.5), dict(temperature=1.7)])
def test_filters_are_those_of_transformers(settings):
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    warper = {"top_k": TopKLogitsWarper, "top_p": TopPLogitsWarper, "temperature": TemperatureLogitsWarper}
    logits = 3 * torch.randn(20, 50, generator=generator())
    for name, value in settings.items():
        torch.testing.assert_close(filter_logits(logits, **settings), warper[name](value)(None, logits.clone()))


def test_filters_keep_the_most_probable_token():
    logits = torch.tensor([[0.0, 5.0, 1.0]])
    for settings in (dict(top_k=1), dict(top_p=1e-6), dict(top_k=1, top_p=0.1, temperature=9.0)):
        assert filter_logits(logits, **settings).isfinite().tolist() == [[False, True, False]]
    assert filter_logits(logits, top_k=99, top_p=1.0).isfinite().all()


def test_top_p_keeps_the_smallest_set_that_reaches_p():
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    for p, kept in ((0.4, 1), (0.51, 2), (0.79, 2), (0.81, 3), (0.97, 4)):
        assert filter_logits(logits, top_p=p).isfinite().sum() == kept


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (dict(temperature=0.0), "temperature must be above 0, got 0.0"),
        (dict(top_k=0), "top_k must be at least 1, got 0"),
        (dict(top_p=0.0), r"top_p must lie in \(0, 1\], got 0.0"),
        (dict(top_p=1.2), r"top_p must lie in \(0, 1\], got 1.2"),
    ],
)
def test_bad_settings_are_named(settings, said):
    with pytest.raises(ValueError, match=said):
        filter_logits(torch.zeros(3), **settings)


def test_what_is_drawn_follows_the_distribution(model):
    prompt = random_ids(1, 4).repeat(4000, 1)
    drawn = generate(model, prompt, 1, generator(), end_id=None)[:, -1]
    expected = model(prompt[:1])[0][0, -1].softmax(-1)
    found = drawn.bincount(minlength=50) / 4000
    assert (found - expected).abs().max() < 5 * (0.25 / 4000) ** 0.5


def test_writing_with_what_is_kept_is_writing_without(model):
    """Each step read anew from the beginning gives the same tokens."""
    prompt = random_ids(3, 4)
    for settings in (dict(), dict(generator=1, top_k=8), dict(generator=2, top_p=0.8, temperature=0.7)):
        seed = settings.pop("generator", None)
        draw, again = (None if seed is None else generator(seed) for _ in range(2))
        ids = prompt
        for _ in range(12):
            logits = model(ids)[0][:, -1]
            if again is None:
                new = logits.argmax(-1, keepdim=True)
            else:
                new = torch.multinomial(filter_logits(logits, **settings).softmax(-1), 1, generator=again)
            ids = torch.cat([ids, new], 1)
        assert generate(model, prompt, 12, draw, **settings, end_id=None).tolist() == ids.tolist()


def test_a_row_that_has_ended_is_filled_up(model):
    prompt = random_ids(40, 3)
    written = generate(model, prompt, 30, generator(), temperature=3.0)
    ended = 0
    for row in written[:, 3:].tolist():
        if EOS_ID in row:
            end = row.index(EOS_ID)
            ended += 1
            assert set(row[end + 1 :]) <= {PAD_ID}
    assert ended > 5
    only = generate(model, prompt[:1], 30, end_id=int(generate(model, prompt[:1], 1)[0, -1]))
    assert only.shape == (1, 4)  # and writing stops when all have ended


def test_no_more_is_written_than_there_is_room(model):
    assert generate(model, random_ids(1, 60), 5, end_id=None).shape == (1, 65)
    with pytest.raises(ValueError, match="max_new_tokens must be at most 5 after a prompt of 60, got 6"):
        generate(model, random_ids(1, 60), 6)


# Fine-tuning ----------------------------------------------------------------------------------------------------------


def test_the_answer_is_read_off_the_last_real_token(model):
    classifier = GPTClassifier(model, 3)
    ids, lengths = random_ids(2, 9), torch.tensor([9, 5])
    answers = classifier(ids, lengths)
    changed = ids.clone()
    changed[1, 5:] = PAD_ID
    torch.testing.assert_close(classifier(changed, lengths), answers, atol=1e-6, rtol=0)
    torch.testing.assert_close(classifier(ids[1:, :5], lengths[1:]), answers[1:], atol=1e-5, rtol=0)
    changed[1, 4] = 7 if ids[1, 4] != 7 else 8
    assert not torch.allclose(classifier(changed, lengths)[1], answers[1])


def test_the_loss_adds_the_language_models(model):
    classifier = GPTClassifier(model, 3)
    ids = torch.tensor([for_task([7, 8, 9]), [*for_task([11]), PAD_ID, PAD_ID]])
    batch = ids, torch.tensor([5, 3]), torch.tensor([2, 0])
    plain = F.cross_entropy(classifier(ids, batch[1]), batch[2])
    torch.testing.assert_close(fine_tuning_loss(classifier, batch), plain)
    expected = plain + 0.5 * next_token_loss(model, ids[:, 1:])
    torch.testing.assert_close(fine_tuning_loss(classifier, batch, 0.5), expected)
    with pytest.raises(ValueError, match="language_weight must be at least 0, got -1"):
        fine_tuning_loss(classifier, batch, -1)


def test_fine_tuning_changes_every_layer(model):
    classifier = GPTClassifier(model, 2)
    fine_tuning_loss(classifier, (random_ids(2, 6), torch.tensor([6, 4]), torch.tensor([0, 1]))).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in classifier.parameters())


# Learning -------------------------------------------------------------------------------------------------------------


def test_it_learns_one_batch_by_heart():
    torch.manual_seed(0)
    model = GPT(GPTConfig.preset("tiny", 50))
    ids = random_ids(4, 16)
    history = train(model, lambda g: [ids] * 250, next_token_loss, TrainingConfig(learning_rate=1e-2), progress=False)
    assert history.losses[0] > 3.5
    assert history.losses[-1] < 0.1
