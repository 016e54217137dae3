"""Students for tests alone: one whose parts have step sizes of their own, and one with a frozen part."""

import torch
from torch import nn

from textdd.training.student import Student


def mean(x, mask):
    """Means (N, D) over the tokens of texts (N, L, D)."""
    if mask is None:
        return x.mean(1)
    weights = mask.unsqueeze(-1).to(x.dtype)
    return (x * weights).sum(1) / weights.sum(1)


class Parts(Student):
    """Layers whose step sizes are a fraction of the head's; between them one that goes with the head."""

    def __init__(self, dimension, classes):
        super().__init__(4, classes)
        self.layer_0 = nn.Linear(dimension, 5)
        self.between = nn.Linear(5, 5)
        self.layer_1 = nn.Linear(5, 4)
        self.part_scales = {"layer_": 0.3}

    def features(self, x, mask=None):
        return mean(self.layer_1(self.between(self.layer_0(x).tanh()).tanh()).tanh(), mask)


class Frozen(Student):
    """A frozen layer and a learned one; the frozen one lies below, or is applied anew in every step if it is `whole`.

    Args:
        dimension: D.
        classes: C.
        once: the frozen part makes one vector of a text; otherwise one of every token.
        whole: nothing lies below.
    """

    def __init__(self, dimension, classes, *, once, whole=False):
        super().__init__(4, classes)
        self.body = nn.Linear(dimension, 6).requires_grad_(False)
        nn.init.normal_(self.body.weight, generator=torch.Generator().manual_seed(8))
        nn.init.zeros_(self.body.bias)
        self.hidden = nn.Linear(6, 4)
        self.once, self.whole = once, whole
        self.reads_once = once and not whole

    def read(self, x, mask):
        x = self.body(x).tanh()
        return (mean(x, mask).unsqueeze(1), None) if self.once else (x, mask)

    def below(self, x, mask=None):
        return (x, mask) if self.whole else self.read(x, mask)

    def features(self, x, mask=None):
        return mean(self.hidden(self.read(x, mask)[0] if self.whole else x).tanh(), None if self.once else mask)


def tiny_bert(folder, hidden=5):
    """The folder of a BERT of two layers with random weights."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    vocabulary = {word: i for i, word in enumerate([*special.values(), *(f"word{i}" for i in range(20))])}
    tokeniser = Tokenizer(WordLevel(vocabulary, "[UNK]"))
    tokeniser.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokeniser, model_max_length=32, **special).save_pretrained(folder)
    sizes = {
        "vocab_size": len(vocabulary),
        "hidden_size": hidden,
        "intermediate_size": 6,
        "num_attention_heads": 1,
        "num_hidden_layers": 2,
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(BertConfig(max_position_embeddings=32, initializer_range=0.5, **sizes))
    model.save_pretrained(folder)
    return folder


def tiny_gpt(folder, spread):
    """The folder of a causal language model of one layer and 24 words; at no spread all words are equally likely."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    special = {"bos_token": "[BOS]", "unk_token": "[UNK]", "pad_token": "[PAD]", "eos_token": "[EOS]"}
    vocabulary = {word: i for i, word in enumerate([*special.values(), *(f"word{i}" for i in range(20))])}
    tokeniser = Tokenizer(WordLevel(vocabulary, "[UNK]"))
    tokeniser.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokeniser, **special).save_pretrained(folder)
    sizes = {"vocab_size": len(vocabulary), "n_positions": 32, "n_embd": 4, "n_layer": 1, "n_head": 1}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=0, eos_token_id=3))
    for parameter in model.parameters():
        parameter.data *= spread
    model.save_pretrained(folder)
    return folder
