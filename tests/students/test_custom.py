"""A student of one's own: found by its path, and refused with the reason where it does not do what a student must."""

import pytest

from textdd.errors import TextddError
from textdd.students import make_student
from textdd.students.custom import CustomConfig

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
