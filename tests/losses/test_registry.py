import sys
from pathlib import Path

import pytest
import torch

from word2vec.errors import ConfigError
from word2vec.losses import LOSSES, Objective, load_objective, make_objective

FOCAL = """\
import torch
from torch.nn.functional import softplus


class Focal(torch.nn.Module):
    def forward(self, positive, negative, weight=None):
        losses = softplus(-positive) ** 2 + (softplus(negative) ** 2).sum(dim=1)
        return losses if weight is None else losses * weight
"""

UNFIT = """\
import torch
from word2vec.losses import RankNet

class Steep(RankNet):
    def __init__(self):
        super().__init__(sigma=3)

class Plain:
    def forward(self, positive, negative, weight=None): ...

class Silent(torch.nn.Module): ...

class Narrow(torch.nn.Module):
    def forward(self, scores): ...

class Choosy(torch.nn.Module):
    def __init__(self, alpha):
        super().__init__()
    def forward(self, positive, negative, weight=None): ...

number = 7
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary current folder; modules imported from it are removed afterward."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    (tmp_path / "focal.py").write_text(FOCAL)
    (tmp_path / "unfit.py").write_text(UNFIT)
    return tmp_path


@pytest.mark.parametrize("name", LOSSES)
def test_registered_objectives_are_built_by_name(name: str) -> None:
    objective = make_objective(name, num_labels=50)
    assert type(objective) is LOSSES[name]
    assert isinstance(objective, Objective)
    assert objective.reduction == "sum"
    assert 1e-4 < objective.default_lr < 0.1  # above the default --min-lr, and far from diverging
    if objective.needs_num_labels:
        assert objective.num_labels == 50
        with pytest.raises(ConfigError, match=f"objective {name} estimates ranks; pass num_labels"):
            make_objective(name)


def test_unknown_name_is_rejected_with_a_suggestion() -> None:
    with pytest.raises(ConfigError, match="unknown objective 'wrap'; did you mean warp") as caught:
        make_objective("wrap")
    assert all(name in str(caught.value) for name in LOSSES)
    with pytest.raises(ConfigError, match="unknown objective 'zzz'; choose negative-sampling, "):
        make_objective("zzz")


def test_users_objective_in_the_current_folder_gives_gradients(here: Path) -> None:
    objective = make_objective("focal:Focal")
    positive, negative = torch.zeros(3, requires_grad=True), torch.zeros(3, 5, requires_grad=True)
    loss = objective(positive, negative, torch.tensor([1.0, 0.0, 1.0]))
    loss.backward()
    assert loss.shape == ()  # always the sum
    assert positive.grad is not None
    assert (positive.grad < 0).tolist() == [True, False, True]


def test_users_objective_in_a_package_is_found(here: Path) -> None:
    package = here / "mine" / "losses"
    package.mkdir(parents=True)
    (package / "focal.py").write_text(FOCAL)
    assert load_objective("mine.losses.focal:Focal").__name__ == "Focal"


def test_installed_modules_take_precedence_over_the_current_folder(here: Path) -> None:
    installed = here / "installed"
    installed.mkdir()
    (installed / "focal.py").write_text(FOCAL.replace("Focal", "Installed"))
    sys.path.append(str(installed))
    assert load_objective("focal:Installed").__name__ == "Installed"


def test_a_users_subclass_gets_the_requested_reduction(here: Path) -> None:
    objective = make_objective("unfit:Steep", reduction="none")
    assert objective(torch.zeros(3), torch.zeros(3, 5)).shape == (3,)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("focal:", "objective 'focal:': invalid location; write it as package.module:ClassName"),
        (":Focal", "objective ':Focal': invalid location; write it as package.module:ClassName"),
        ("nowhere.at:All", "objective nowhere.at:All: no module 'nowhere' is installed or in "),
        ("needy:Any", "objective needy:Any: no module 'nowhere' is installed or in "),
        ("broken:Any", "objective broken:Any: importing broken failed with SyntaxError: "),
        ("focal:Local", "focal.py has no class Local"),
        ("unfit:number", "objective unfit:number: not a subclass of torch.nn.Module; derive it from that class"),
        ("unfit:Plain", "objective unfit:Plain: not a subclass of torch.nn.Module; derive it from that class"),
        ("unfit:Silent", "objective unfit:Silent: no method forward; define forward"),
        ("unfit:Narrow", "objective unfit:Narrow: forward must have the signature (self,"),
        ("unfit:Choosy", "objective unfit:Choosy: missing a required argument: 'alpha'; define a default"),
    ],
)
def test_unsuitable_classes_are_rejected_in_one_line(here: Path, location: str, message: str) -> None:
    (here / "needy.py").write_text("import nowhere\n")
    (here / "broken.py").write_text("def f(:\n")
    with pytest.raises(ConfigError) as caught:
        make_objective(location)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
