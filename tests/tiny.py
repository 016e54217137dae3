"""Students for tests alone: one whose parts have step sizes of their own, and one with a frozen part."""

import torch
from torch import nn

from textdd.training.student import Student

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##like", "##ly", "play", "##s", "##ing", "dog", "cat", "rain", ","]
"""Of words, that a small tokeniser knows."""

NAMES = ["good", "bad", "fair", "very", "red", "green", "blue", "same", "different"]
"""Of classes, that a small language model knows."""


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


def bert_of_pieces(folder):
    """The folder of a random BERT of two layers, whose tokeniser cuts words in pieces and puts [CLS], [SEP] around."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import BertProcessing
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    tokeniser = Tokenizer(WordPiece({piece: i for i, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    tokeniser.pre_tokenizer = BertPreTokenizer()
    tokeniser.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    names = ["input_ids", "token_type_ids", "attention_mask"]
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokeniser, model_max_length=40, model_input_names=names, **special
    )
    wrapped.save_pretrained(folder)
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 16,
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "vocab_size": len(PIECES),
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(BertConfig(max_position_embeddings=40, initializer_range=0.5, **sizes))
    model.save_pretrained(folder)
    return str(folder)


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


def tiny_language_model(folder, words, sharpness=8.5):
    """The folder of a language model that writes words of its prompt in any order, the frequent ones rather.

    Attention is even and hands on which words there were; every word has a direction of its own, signs short ones.

    Args:
        folder: where it is written.
        words: what it knows besides signs.
        sharpness: how much rather.
    """
    from tokenizers import Regex, Tokenizer, decoders
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Split
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    signs = {"<end>": 0.01, "<unknown>": 0.01, "-": 0.01, "\n": 0.8, " |||": 0.8}
    vocabulary = [*signs, *dict.fromkeys(f" {word}" for word in words)]
    vocabulary += ["<filled up>"] * (len(vocabulary) % 2)
    tokeniser = Tokenizer(WordLevel({word: i for i, word in enumerate(vocabulary)}, "<unknown>"))
    tokeniser.pre_tokenizer = Split(Regex(r"\n| ?[^ \n]+"), "isolated")
    tokeniser.decoder = decoders.Fuse()
    special = {"eos_token": "<end>", "unk_token": "<unknown>"}
    PreTrainedTokenizerFast(tokenizer_object=tokeniser, model_max_length=2000, **special).save_pretrained(folder)
    width = len(vocabulary)
    sizes = {"hidden_size": width, "intermediate_size": 4, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = LlamaConfig(vocab_size=width, max_position_embeddings=2000, eos_token_id=0, bos_token_id=None,
                         tie_word_embeddings=True, **sizes)  # fmt: skip
    model = LlamaForCausalLM(config).requires_grad_(False)
    table = torch.eye(width)
    table[torch.arange(len(signs)), torch.arange(len(signs))] = torch.tensor(list(signs.values()))
    model.model.embed_tokens.weight.copy_(table)
    attention, mlp = model.model.layers[0].self_attn, model.model.layers[0].mlp
    for part in (attention.q_proj, attention.k_proj, mlp.down_proj):
        part.weight.zero_()
    model.model.layers[0].input_layernorm.weight.fill_(width**-0.5)
    attention.v_proj.weight.copy_(torch.eye(width))
    attention.o_proj.weight.copy_(1000 * torch.eye(width))
    model.model.norm.weight.fill_(sharpness * width**-0.5)
    model.save_pretrained(folder)
    return str(folder)


def tiny_llama(folder, hidden=6, words=20, **sizes):
    """The folder of a random Llama of two layers that knows words and the names of a few classes."""
    from tokenizers import Regex, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Split
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    known = ["<unknown>", "<end>", "\n", ":", "Text", "Label", "First", "Second", "text", *NAMES]
    known += [f"word{i}" for i in range(words)]
    spaced = [*known, *(f" {word}" for word in known[2:])]
    tokeniser = Tokenizer(WordLevel({word: i for i, word in enumerate(spaced)}, "<unknown>"))
    tokeniser.pre_tokenizer = Split(Regex(r"\n|:| ?[^ \n:]+"), "isolated")
    special = {"eos_token": "<end>", "unk_token": "<unknown>"}
    PreTrainedTokenizerFast(tokenizer_object=tokeniser, model_max_length=64, **special).save_pretrained(folder)
    shape = {"intermediate_size": 6, "num_hidden_layers": 2, "num_attention_heads": 1, "head_dim": 4} | sizes
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=len(spaced), hidden_size=hidden, max_position_embeddings=64, initializer_range=0.5,
            eos_token_id=1, bos_token_id=None, tie_word_embeddings=True, **shape,
        )  # fmt: skip
        model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    return str(folder)
