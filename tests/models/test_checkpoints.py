"""Reading published weights: every container and prefix, and every way a file can be wrong."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from wirelessfm.errors import WirelessFMError
from wirelessfm.files import sha256_of
from wirelessfm.models.checkpoints import load_weights
from wirelessfm.models.parity import filled_state
from wirelessfm.models.published_zoo import PUBLISHED, entry


def published_state(name: str) -> dict[str, Tensor]:
    found = entry(name)
    return filled_state(found.system.shapes(found.config))


@pytest.fixture
def lwm_file(tmp_path: Path) -> Path:
    state = published_state("lwm-1.0")
    state |= {"layers.0.enc_self_attn.norm.alpha": torch.ones(64), "layers.0.pos_ffn.norm.bias": torch.zeros(64)}
    torch.save({f"module.{n}": t for n, t in state.items()}, tmp_path / "model_weights.pth")
    return tmp_path / "model_weights.pth"


def test_a_prefixed_file_loads_and_is_recorded(lwm_file: Path) -> None:
    model, record = load_weights("lwm-1.0", lwm_file)
    assert not model.training
    assert torch.equal(model.positions, published_state("lwm-1.0")["embedding.pos_embed.weight"])
    assert record.sha256 == sha256_of(lwm_file) and record.official is False
    assert record.unused == ("layers.0.enc_self_attn.norm.alpha", "layers.0.pos_ffn.norm.bias")
    assert record.parameters == 603_712 - 3072 + 128 and record.file == "model_weights.pth"


def test_folder_and_safetensors_and_training_checkpoints_load(tmp_path: Path, lwm_file: Path) -> None:
    expected = load_weights("lwm-1.0", lwm_file)[0].state_dict()
    state = published_state("lwm-1.0")
    save_file(state, tmp_path / "other.safetensors")
    torch.save({"epoch": 3, "model_state_dict": state}, tmp_path / "checkpoint.pt")
    for source in (tmp_path, tmp_path / "other.safetensors", tmp_path / "checkpoint.pt"):
        found = load_weights("lwm-1.0", source)[0].state_dict()
        assert all(torch.equal(found[n], expected[n]) for n in expected)


@pytest.mark.parametrize("name", ["lwm-1.1", "contrawimae-4x4", "wifo-tiny"])
def test_every_parameter_of_ours_comes_from_the_file(tmp_path: Path, name: str) -> None:
    state = published_state(name)
    torch.save(state, tmp_path / "w.pt")
    model, record = load_weights(name, tmp_path / "w.pt")
    assert sum(p.numel() for p in model.parameters()) == record.parameters == sum(t.numel() for t in state.values())
    assert record.official is None and "arXiv" in record.citation and record.weights_licence


def test_half_precision_weights_become_float32(tmp_path: Path) -> None:
    torch.save({n: t.half() for n, t in published_state("wifo-tiny").items()}, tmp_path / "w.pt")
    assert load_weights("wifo-tiny", tmp_path / "w.pt")[0].mask_token.dtype == torch.float32


def broken(change: str) -> dict[str, Tensor]:
    state = published_state("lwm-1.0")
    if change == "missing":
        del state["decoder.weight"]
    elif change == "extra":
        state["lora.weight"] = torch.zeros(2)
    elif change == "shape":
        state["decoder.weight"] = torch.zeros(16, 65)
    elif change == "nan":
        state["decoder.weight"][0, 0] = torch.nan
    elif change == "integers":
        state["decoder.weight"] = state["decoder.weight"].long()
    return state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("missing", r"missing decoder.weight; extra none"),
        ("extra", r"missing none; extra lora.weight"),
        ("shape", r"decoder.weight expected \[16, 64\], found \[16, 65\]"),
        ("nan", r"NaN, infinite or non-float weights in decoder.weight"),
        ("integers", r"non-float weights in decoder.weight"),
    ],
)
def test_a_wrong_state_dict_is_explained(tmp_path: Path, change: str, message: str) -> None:
    torch.save(broken(change), tmp_path / "w.pth")
    with pytest.raises(WirelessFMError, match=message):
        load_weights("lwm-1.0", tmp_path / "w.pth")


def test_weights_of_another_system_or_size_are_named(tmp_path: Path) -> None:
    torch.save(published_state("wifo-tiny"), tmp_path / "w.pth")
    with pytest.raises(WirelessFMError, match="looks like 'wifo-tiny'"):
        load_weights("lwm-1.0", tmp_path / "w.pth")
    found = entry("lwm-1.0")
    wide = {n: (s[0] * 2, *s[1:]) if "fc1" in n else s for n, s in found.system.shapes(found.config).items()}
    wide |= {n: (64, 512) for n in wide if n.endswith("fc2.weight")}
    torch.save(filled_state(wide), tmp_path / "wide.pth")
    with pytest.raises(WirelessFMError, match=r"fits .*hidden=512"):
        load_weights("lwm-1.0", tmp_path / "wide.pth")
    assert load_weights("lwm-1.0", tmp_path / "wide.pth", hidden=512)[0].config.hidden == 512


def test_heads_saved_beside_the_weights_are_compared(tmp_path: Path) -> None:
    content = {"model_state_dict": published_state("wimae"), "encoder_nhead": 8, "patch_size": [16, 1]}
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(WirelessFMError, match="pass encoder_heads=8"):
        load_weights("wimae", tmp_path / "w.pt")
    assert load_weights("wimae", tmp_path / "w.pt", encoder_heads=8)[0].config.encoder_heads == 8


class Payload:
    """Would write a file if it were ever unpickled."""

    target = ""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path(self.target),)  # type: ignore[return-value]


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    Payload.target = str(tmp_path / "ran")
    torch.save({"decoder.weight": torch.zeros(1), "x": Payload()}, tmp_path / "w.pth")
    with pytest.raises(WirelessFMError, match="could run code"):
        load_weights("lwm-1.0", tmp_path / "w.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_a_damaged_file_is_explained(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 truncated")
    with pytest.raises(WirelessFMError, match="w\\."):
        load_weights("lwm-1.0", tmp_path / name)


@pytest.mark.parametrize("content", [{}, [torch.zeros(1)], {"a": 1}])
def test_a_file_without_a_state_dict_is_explained(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(WirelessFMError, match="holds no state dict"):
        load_weights("lwm-1.0", tmp_path / "w.pth")


def test_missing_and_ambiguous_sources_are_explained(tmp_path: Path) -> None:
    with pytest.raises(WirelessFMError, match=r"model_weights.pth.*wi-lab/lwm"):
        load_weights("lwm-1.0", "weights/nowhere.pth")
    with pytest.raises(WirelessFMError, match="found none"):
        load_weights("lwm-1.0", tmp_path)
    for name in ("a.pt", "b.pt"):
        torch.save({}, tmp_path / name)
    with pytest.raises(WirelessFMError, match=r"a\.pt, b\.pt"):
        load_weights("lwm-1.0", tmp_path)
    with pytest.raises(WirelessFMError, match=r"Known: .*lwm-1\.0"):
        load_weights("lwm-1", tmp_path)


def fake_hub(monkeypatch: pytest.MonkeyPatch, files: dict[str, Path], online: bool) -> None:
    hub, errors = types.ModuleType("huggingface_hub"), types.ModuleType("huggingface_hub.errors")
    errors.EntryNotFoundError = type("EntryNotFoundError", (Exception,), {})  # type: ignore[attr-defined]
    local = type("LocalEntryNotFoundError", (errors.EntryNotFoundError,), {})
    errors.LocalEntryNotFoundError = local  # type: ignore[attr-defined]

    def download(repository: str, name: str) -> str:
        if not online:
            raise local("offline")
        if name not in files:
            raise errors.EntryNotFoundError(name)
        return str(files[name])

    hub.hf_hub_download, hub.list_repo_files = download, lambda repository: list(files)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    monkeypatch.setitem(sys.modules, "huggingface_hub.errors", errors)


def test_a_hub_repository_is_downloaded(monkeypatch: pytest.MonkeyPatch, lwm_file: Path) -> None:
    fake_hub(monkeypatch, {"README.md": lwm_file, "moved/model_weights.pth": lwm_file}, online=True)
    assert load_weights("lwm-1.0", "wi-lab/lwm")[1].source == "wi-lab/lwm"


def test_offline_names_repository_and_file(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_hub(monkeypatch, {}, online=False)
    with pytest.raises(WirelessFMError, match=r"'model_weights.pth' from Hub repository 'wi-lab/lwm'.*give its path"):
        load_weights("lwm-1.0", "wi-lab/lwm")


def test_without_the_hub_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(WirelessFMError, match="huggingface_hub"):
        load_weights("lwm-1.0", "wi-lab/lwm")


def test_published_counts() -> None:
    counts = {"lwm-1.0": 603_712 - 3072, "lwm-1.1": 2_470_304, "wimae-6-4": 353_296, "wimae": 554_128}
    counts |= {"wimae-18-4": 754_960, "wimae-12-8": 688_016, "wimae-12-12": 821_904, "contrawimae": 570_704}
    wifo = {"tiny": 366_784, "little": 1_396_992, "small": 5_448_064, "base": 21_512_832, "large": 85_978_496}
    for size, total in wifo.items():
        # 172 position rows of the release's checkpoints are never used.
        counts[f"wifo-{size}"] = total - 172 * PUBLISHED[f"wifo-{size}"].config.width
    for name, total in counts.items():
        found = entry(name)
        shapes = found.system.shapes(found.config).values()
        assert sum(int(torch.Size(s).numel()) for s in shapes) == total, name
