"""The commands that use a trained model: ``wfm embed``, ``complete`` and ``card``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from wirelessfm.cli_evaluate import POOLING, RESIZE

Model = Annotated[str, typer.Argument(help="Folder of a pretrained model, or the name of one that ships.")]


def embed(
    model: Model,
    csi: Annotated[Path, typer.Argument(help="Folder with CSI.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write: float32 npy [sample, feature].")],
    pooling: Annotated[str | None, typer.Option(help=POOLING)] = None,
    resize: Annotated[str | None, typer.Option(help=RESIZE)] = None,
    device: Annotated[str, typer.Option()] = "cpu",
) -> None:
    """Frozen embeddings of CSI."""
    from wirelessfm.csi import CSI
    from wirelessfm.embed import embed_csi, save_embeddings
    from wirelessfm.models.shipped import load_trained

    network, _ = load_trained(model)
    features = embed_csi(network, CSI.load(csi), pooling, resize, device=device)
    save_embeddings(features, out)
    typer.echo(f"embeddings {list(features.shape)}: {out}")


def complete(
    model: Model,
    csi: Annotated[Path, typer.Argument(help="Folder with CSI and its bool label 'observed'; 'noise_power' if known.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write: CSI without gaps.")],
) -> None:
    """Estimate, interpolate or continue CSI from its observed entries."""
    from wirelessfm.csi import CSI
    from wirelessfm.embed import complete_csi
    from wirelessfm.models.shipped import load_trained

    network, _ = load_trained(model)
    complete_csi(network, CSI.load(csi)).save(out)
    typer.echo(f"complete CSI: {out}")


def card(
    model: Model,
    recipe: Annotated[bool, typer.Option("--recipe", help="The recipe alone, as YAML for wfm pretrain.")] = False,
    stage: Annotated[int | None, typer.Option(min=1, help="Of several trainings in a row; default the last.")] = None,
) -> None:
    """What a pretrained model is, what it was trained on, and the commands that make it again."""
    from wirelessfm.models.card_text import card_text, recipe_text
    from wirelessfm.models.shipped import load_trained

    _, found = load_trained(model)
    typer.echo(recipe_text(found, stage) if recipe else card_text(found, model, stage), nl=not recipe)


MODEL_COMMANDS: dict[str, Callable[..., None]] = {"embed": embed, "complete": complete, "card": card}
