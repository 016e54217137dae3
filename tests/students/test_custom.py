"""A student of one's own: found by its path, and refused with the reason where it does not do what a student must."""

import pytest
import torch

from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.errors import TextddError
from textdd.students import make_student
from textdd.students.custom import CustomConfig
from textdd.students.probe import ALL_TOKENS

HEAD = "import torch\nfrom torch import nn\nfrom textdd.students import Student\n"
MEAN = "x.masked_fill(~mask.unsqueeze(-1), 0).sum(1) / mask.sum(1, keepdim=True)"
BODIES = {
    "class Other:\n    def __init__(self, dimension, classes): pass": r"is a Other, no student\. Derive it from",
    "class Needy(Student):\n    def __init__(self): pass": r"failed: TypeError.*built from the width",
    "class Long(Student):\n    def __init__(self, d, c): super().__init__(9, c); self.w = nn.Linear(d, 4)\n"
    f"    def features(self, x, mask=None): return self.w({MEAN})": r"gave \(3, 4\) for x .*expected is .*\(3, 9\)",
    "class Leaky(Student):\n    def __init__(self, d, c): super().__init__(d, c)\n"
    "    def features(self, x, mask=None): return x.mean(1)": r"depends on what follows a text.*masked_fill",
    "class Endless(Student):\n    def __init__(self, d, c): super().__init__(d, c)\n"
    f"    def features(self, x, mask=None): return {MEAN} / 0": r"numbers that are not finite",
    "class Random(Student):\n    def __init__(self, d, c): super().__init__(d, c); self.drop = nn.Dropout(0.5)\n"
    f"    def features(self, x, mask=None): return self.drop({MEAN})": r"has Dropout; a student is a function",
    "class Normed(Student):\n    def __init__(self, d, c): super().__init__(d, c); self.norm = nn.BatchNorm1d(d)\n"
    f"    def features(self, x, mask=None): return self.norm({MEAN})": r"has buffers that change",
    "class Fused(Student):\n    def __init__(self, d, c): super().__init__(d, c); self.w = nn.Linear(d, d)\n"
    "    def features(self, x, mask=None):\n"
    "        q = self.w(x).unsqueeze(1)\n"
    "        a = nn.functional.scaled_dot_product_attention(q, q, q, attn_mask=mask[:, None, None, :])[:, 0]\n"
    "        return a.masked_fill(~mask.unsqueeze(-1), 0).sum(1)": r"no double backward.*SDPBackend\.MATH",
    "class Forgetful(Student):\n    def __init__(self, d, c): super().__init__(d, c)\n"
    f"    def features(self, x, mask=None): return ({MEAN}).tanh()": r"mask None, which.*Begin it by: if mask",
    "class Several(Student):\n    def __init__(self, d, c): super().__init__(d, c)\n"
    f"    def features(self, x, mask=None): return ({MEAN},)": r"gave a tuple for x .*; expected is one tensor",
    "class Placed(Student):\n    def __init__(self, d, c): super().__init__(d, c)\n"
    f"    def features(self, x, mask=None): x = x + torch.ones(1, 5, 1); return {MEAN}": r"failed on x \(3, 7, 6\)",
    "class Chance(Student):\n    def __init__(self, d, c): super().__init__(d, c)\n"
    f"    def features(self, x, mask=None): return nn.functional.dropout({MEAN}, 0.5, True)": r"when asked twice",
    "class Counting(Student):\n"
    "    def __init__(self, d, c): super().__init__(d, c); self.register_buffer('seen', torch.zeros(1))\n"
    f"    def features(self, x, mask=None): self.seen += 1; return {MEAN}": r"buffers that change with what it reads",
    "class Headless(Student):\n    def __init__(self, d, c): super().__init__(d, c); self.head = nn.Linear(d, c + 1)\n"
    f"    def features(self, x, mask=None): return {MEAN}": r"has the head Linear.*to 3 classes",
    "class Relative(Student):\n    def __init__(self, d, c): super().__init__(d, c)\n"
    f"    def features(self, x, mask=None): f = {MEAN}; return f - f.mean(0)": r"for a text alone than for the same",
    "class Lenient(Student):\n    def __init__(self, d, c): super().__init__(d, c)\n"
    "    def features(self, x, mask=None):\n"
    f"        return x[:, 0].tanh() if mask is None else ({MEAN}).tanh()": r"other features for mask None",
    "class Tied(Student):\n    def __init__(self, d, c):\n        super().__init__(d, c); w = nn.Linear(d, d)\n"
    "        self.layers = nn.ModuleList([w, w])\n"
    f"    def features(self, x, mask=None): return self.layers[1]({MEAN})": r"under two names, layers\.0 and layers\.1",
    "class Broken(Student):\n    def __init__(self, d, c): super().__init__(d, c)\n"
    "    def features(self, x, mask=None): return x.nonsense": r"features\(x, mask\) failed on x \(3, 5, 6\)",
}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.split("(")[0].split(":")[0])
def test_what_does_not_fit_is_refused_with_the_reason(body, tmp_path):
    (tmp_path / "mine.py").write_text(HEAD + body + "\n")
    name = body.split("(")[0].split(":")[0].removeprefix("class ")
    with pytest.raises(TextddError, match=BODIES[body]):
        make_student(CustomConfig(target=f"{tmp_path}/mine.py:{name}"), 6, 3)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (None, r"Got model\.target=None; a class is named as package\.module:Class"),
        ("mine", r"a class is named as"),
        ("no_such_package.mine:Student", r"no_such_package\.mine cannot be imported .*No module named"),
        ("absent.py:Student", r"there is no file absent\.py"),
        ("textdd.students:Studnt", r"has no class 'Studnt'\. Nearest there: Student.*Type: model\.target="),
    ],
)
def test_a_path_that_names_no_class_says_what_would(target, message):
    with pytest.raises(TextddError, match=message):
        CustomConfig(target=target).check()


def test_a_changed_class_is_another_student(tmp_path):
    path, found = tmp_path / "mine.py", []
    for width in (3, 4):
        own = tmp_path / f"own{width}.py"
        own.write_text(HEAD + f"class Mine(Student):\n    size = {width}\n")
        config = CustomConfig(target=f"{own}:Mine")
        config.check()
        found.append(config.source)
    assert len(set(found)) == 2
    assert all(found)
    assert not path.exists()


OWN = HEAD + (
    "class Mine(Student):\n    def __init__(self, d, c): super().__init__({width}, c); self.w = nn.Linear(d, {width})\n"
    f"    def features(self, x, mask=None):\n        {ALL_TOKENS}\n        return self.w({MEAN})\n"
)


def test_an_edited_file_is_read_again_and_has_another_source(tmp_path):
    """Within the same second and of the same size, by which Python tells compiled files apart."""
    path, config = tmp_path / "mine.py", CustomConfig(target=f"{tmp_path}/mine.py:Mine")
    found = []
    for width in (5, 8, 8):
        path.write_text(OWN.format(width=width))
        student = make_student(config, 6, 3)
        found.append((config.source, student.module.head.in_features))
    assert [width for _, width in found] == [5, 8, 8]
    assert found[0][0] != found[1][0] == found[2][0]
    assert not (tmp_path / "__pycache__").exists()


def test_an_imported_class_keeps_the_source_that_it_was_imported_with(tmp_path, monkeypatch):
    """A package is imported once; its class must not pass for what its file holds later."""
    monkeypatch.syspath_prepend(tmp_path)
    path, config = tmp_path / "textdd_test_mine.py", CustomConfig(target="textdd_test_mine:Mine")
    path.write_text(OWN.format(width=5))
    config.check()
    before = config.source
    path.write_text(OWN.format(width=8))
    config.check()
    assert config.source == before != ""
    assert make_student(config, 6, 3).module.head.in_features == 5


def test_what_lies_below_is_read_below(tmp_path):
    (tmp_path / "mine.py").write_text(
        HEAD + "class Mine(Student):\n    reads_once = True\n"
        "    def __init__(self, d, c):\n"
        "        super().__init__(4, c)\n"
        "        self.body = nn.Linear(d, 9).requires_grad_(False)\n"
        "        self.hidden = nn.Linear(9, 4)\n"
        f"    def below(self, x, mask=None):\n        {ALL_TOKENS}\n"
        f"        return self.body({MEAN}).tanh().unsqueeze(1), None\n"
        "    def features(self, x, mask=None): return self.hidden(x.squeeze(1)).tanh()\n"
    )
    student = make_student(CustomConfig(target=f"{tmp_path}/mine.py:Mine"), 6, 3)
    assert student.reads_once
    assert student.module.beside == "vmap"


def test_what_vmap_has_no_rule_for_goes_one_after_the_other(tmp_path):
    (tmp_path / "mine.py").write_text(
        HEAD + "class Mine(Student):\n"
        "    def __init__(self, d, c): super().__init__(4, c); self.gru = nn.GRU(d, 4, batch_first=True)\n"
        f"    def features(self, x, mask=None):\n        {ALL_TOKENS}\n        x = self.gru(x)[0]\n"
        f"        return {MEAN}\n"
    )
    assert make_student(CustomConfig(target=f"{tmp_path}/mine.py:Mine"), 6, 3).module.beside == "loop"


def test_a_module_with_features_and_a_head_is_taken(tmp_path):
    """Its head is one, not two, and K of them go side by side as each alone."""
    (tmp_path / "mine.py").write_text(
        HEAD + "class Mine(nn.Module):\n    def __init__(self, d, c):\n        super().__init__()\n"
        "        self.w, self.head = nn.Linear(d, 4), nn.Linear(4, c)\n"
        f"    def features(self, x, mask=None):\n        {ALL_TOKENS}\n        return self.w({MEAN}).tanh()\n"
    )
    student = make_student(CustomConfig(target=f"{tmp_path}/mine.py:Mine"), 6, 3)
    assert student.size == 6 * 4 + 4 + 4 * 3 + 3
    theta, x = torch.stack([student.fresh(0), student.fresh(1)]), torch.randn(5, 7, 6)
    assert not torch.equal(*theta)
    assert torch.allclose(student(theta, x), torch.stack([student(one, x) for one in theta]), atol=1e-6)
    assert torch.equal(student(theta[0], x), student.head(theta[0], student.features(theta[0], x)))


TYPED = [([], {}), (["model.options={units:7,deep:[1]}"], {"units": 7, "deep": [1]})]


@pytest.mark.parametrize(("typed", "expected"), TYPED)
def test_options_are_typed_as_the_help_says(typed, expected):
    register()
    model = to_run(compose_config("config", ["model=custom", "model.target=mine:Mine", *typed])).model
    assert model.arguments() == expected


@pytest.mark.parametrize("options", [3, [1], {1: 2}])
def test_options_are_arguments_by_name(options):
    with pytest.raises(TextddError, match=r"arguments by name are allowed\. Type for instance: 'model\.options="):
        CustomConfig(target="textdd.students:Student", options=options).check()
