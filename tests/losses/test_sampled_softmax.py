import torch

from word2vec.losses import SampledSoftmax


def test_log_q_is_taken_off_the_scores() -> None:
    torch.manual_seed(0)
    scores, log_q = torch.randn(7, 6), -3 * torch.rand(7, 6)
    objective, corrected = SampledSoftmax(), scores - log_q
    expected = objective(corrected[:, 0], corrected[:, 1:])
    torch.testing.assert_close(objective(scores[:, 0], scores[:, 1:], log_q=log_q), expected)
    # a constant factor, such as the number of draws, makes no difference
    torch.testing.assert_close(objective(scores[:, 0], scores[:, 1:], log_q=log_q + 1.6), expected)


def test_score_gradients_apply_to_the_corrected_scores() -> None:
    torch.manual_seed(0)
    scores, log_q = torch.randn(7, 6, requires_grad=True), -3 * torch.rand(7, 6)
    objective = SampledSoftmax(reduction="sum")
    objective(scores[:, 0], scores[:, 1:], log_q=log_q).backward()
    torch.testing.assert_close(objective.score_gradients(scores.detach() - log_q), scores.grad)


def test_corrected_gradient_is_that_of_the_full_softmax_for_any_noise() -> None:
    torch.manual_seed(0)
    vocabulary, draws, true_word = 10, 50_000, 3
    word_scores = torch.randn(vocabulary)
    noise = torch.linspace(1, 20, vocabulary)
    noise = noise / noise.sum()
    words = torch.cat((torch.tensor([true_word]), torch.multinomial(noise, draws, replacement=True)))  # (1 + K,)

    gradients = SampledSoftmax().score_gradients((word_scores[words] - noise[words].log())[None])[0]
    found = torch.zeros(vocabulary).scatter_add(0, words, gradients)
    expected = word_scores.softmax(dim=0) - torch.eye(vocabulary)[true_word]
    # each share is estimated from thousands of draws: a standard error of a percent or so
    torch.testing.assert_close(found, expected, rtol=0, atol=0.01)
