"""The judge: a tiny model with random changes, but everything else is real; and the shipped one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch
from fakes import SIZE
from safetensors.numpy import save_file
from tiny_mpnet import make_mpnet

from rag import ModelError, Settings
from rag.models import judge, openvino_encoder, registry
from rag.models.judge import TrainedJudge
from rag.models.runtime import Models
from rag.models.torch_encoder import export_judge
from rag.protocols import Reading

CLAIMS = [
    Reading("The cod left.", "The cod left the harbour in spring."),
    Reading("Nobody", "Nobody in the town objected to the ban.", question="Who objected?"),
    Reading("The ban on night fishing.", "Day of fishing."),
    Reading("It did.", "The cod left the harbour.", before="The harbour was old."),
]
CHANGED = "encoder.layer.0.attention.attn.q"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return make_mpnet(tmp_path / "mpnet")


@pytest.fixture
def changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(3)
    sizes = {
        f"{CHANGED}.weight.left": (SIZE, 2),
        f"{CHANGED}.weight.right": (2, SIZE),
        f"{CHANGED}.bias.whole": (SIZE,),
        "head": (2, SIZE),
        "bias": (2,),
    }
    found = {name: draw.normal(size=size).astype(np.float16) for name, size in sizes.items()}
    save_file(found, tmp_path / "changes.safetensors")
    monkeypatch.setattr(judge, "_CHANGES", tmp_path / "changes.safetensors")
    return found


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    monkeypatch.setattr(openvino_encoder, "precisions", lambda: ("fp32",))
    yield tmp_path / "cache" / "embedding"


@pytest.mark.long
def test_a_claim_is_as_bad_as_its_tokens(base: Path, changes: dict[str, np.ndarray], cache: Path) -> None:
    """The probabilities are those of the head's outputs at the claim's tokens, run by torch."""
    found = TrainedJudge(base).judge(CLAIMS)
    parts = export_judge(str(base), {name: np.asarray(value, np.float32) for name, value in changes.items()})
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(parts.tokenizer)
    for reading, judgement in zip(CLAIMS, found, strict=True):
        encoding = tokenizer.encode(reading.whole, reading.evidence)
        ids = torch.tensor([encoding.ids])
        outputs = parts.module(ids, torch.ones_like(ids))[0].detach()
        said_before = len(f"{reading.before} ") if reading.before else 0
        starts = [start for start, _ in encoding.offsets]
        own = torch.tensor([p == 0 and s >= said_before for p, s in zip(encoding.sequence_ids, starts, strict=True)])
        against = torch.logsumexp(outputs[own], 0)
        expected = torch.softmax(torch.cat([torch.zeros(1), against]), 0)
        assert [judgement.supported, judgement.contradicted] == pytest.approx(expected[:2].tolist(), abs=1e-4)


@pytest.mark.long
def test_it_is_converted_once(
    base: Path, changes: dict[str, np.ndarray], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = TrainedJudge(base).judge(CLAIMS)
    monkeypatch.setattr(judge, "export_judge", None)  # would fail if it were used
    assert TrainedJudge(base).judge(CLAIMS) == first
    assert TrainedJudge(base).judge([]) == []


@pytest.mark.long
def test_a_damaged_file_of_changes_is_said(base: Path, changes: dict[str, np.ndarray], cache: Path) -> None:
    judge._CHANGES.write_bytes(b"nothing")
    with pytest.raises(ModelError, match="set 'judge' to none"):
        TrainedJudge(base).judge(CLAIMS)


def test_the_setting_says_which_judge(tmp_path: Path) -> None:
    assert Models(Settings(judge="none", models=tmp_path)).judge() is None
    with pytest.raises(ModelError, match="rag models pull all-mpnet-base-v2"):
        Models(Settings(judge="judge", models=tmp_path)).judge()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("The dam was finished in 1968.", "The dam was finished in 1986."),
        ("23 people drowned in Moravik.", "23 people did not drown in Moravik."),
        ("The dam burst on 12 March.", "The mayor of Orrin resigned."),
        ("The dam drowned 23 people.", "The dam drowned 230 people."),
    ],
)
def test_the_shipped_judge_prefers_what_is_right(models_folder: Path, right: str, wrong: str) -> None:
    evidence = "The Halden dam, which was finished in 1968, burst on 12 March and drowned 23 people in Moravik."
    shipped = judge.shared(registry.path(judge.BASE, models_folder))
    better, worse = shipped.judge([Reading(right, evidence), Reading(wrong, evidence)])
    assert better.supported > worse.supported
