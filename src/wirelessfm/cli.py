"""The command ``wfm``: thin; every command calls one function that Python users can call too.

Modules are imported inside the commands so that ``wfm --help`` answers at once.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from wirelessfm.errors import WirelessFMError

app = typer.Typer(
    name="wfm",
    help="Wireless foundation models: data, pretraining, evaluation, report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Out = Annotated[Path, typer.Option("--out", "-o", help="Where to write; must not exist yet.")]


def main() -> None:
    """Run the command line; user errors are one message and exit code 1, never a traceback."""
    try:
        app()
    except WirelessFMError as error:
        _fail(str(error), 1)
    except KeyboardInterrupt:
        _fail("interrupted; nothing half-written is left, the same command starts or continues", 130)
    except BrokenPipeError:
        # The reader of our output has left (as in `wfm … | head`): nothing to report, and nobody to report to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EISDIR):
            raise
        _fail(f"{error.filename or 'output'}: {error.strerror}", 1)


def _fail(message: str, code: int) -> None:
    typer.echo(f"error: {message}", err=True)
    sys.exit(code)


@app.command()
def pretrain(
    recipe: Annotated[Path, typer.Argument(help="YAML recipe.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Run folder; an unfinished run in it is continued.")],
    accelerator: Annotated[str, typer.Option(help="cpu, cuda, mps …")] = "cpu",
    devices: Annotated[int, typer.Option(min=1, help="Processes or devices per node; more than 1 is DDP.")] = 1,
    nodes: Annotated[int, typer.Option(min=1)] = 1,
) -> None:
    """Pretrain a model from a recipe; killed runs continue where they were."""
    from wirelessfm.data.corpus import load_corpora
    from wirelessfm.pretrain import Hardware
    from wirelessfm.pretrain import pretrain as run
    from wirelessfm.recipe import load_recipe

    plan = load_recipe(recipe)
    folder = run(plan, load_corpora(plan.data.corpora), out, Hardware(accelerator, devices, nodes))
    typer.echo(f"model: {folder}")


@app.command()
def synthesize(
    paths: Annotated[Path, typer.Argument(help="Folder with Paths, from 'wfm trace' or a reader.")],
    out: Out,
    antennas: Annotated[int, typer.Option(min=1, help="Columns of the base-station array.")] = 32,
    rows: Annotated[int, typer.Option(min=1, help="Rows of the base-station array.")] = 1,
    subcarriers: Annotated[int, typer.Option(min=1)] = 32,
    spacing_hz: Annotated[float, typer.Option(help="Subcarrier spacing.")] = 30e3,
    snr_db: Annotated[float | None, typer.Option(help="Add noise at this ratio.")] = None,
    seed: Annotated[int, typer.Option(help="Of the noise.")] = 0,
) -> None:
    """Turn Paths into CSI with a given array and frequency grid."""
    import torch

    from wirelessfm.paths import Paths
    from wirelessfm.signal import OFDM, PlanarArray
    from wirelessfm.signal import synthesize as run

    generator = torch.Generator().manual_seed(seed)
    users, grid = Paths.load(paths).connected(), OFDM(subcarriers, spacing_hz)
    csi = run(users, PlanarArray(antennas, rows), grid, snr_db=snr_db, generator=generator)
    csi.save(out)
    typer.echo(f"{csi}: {out}")


@app.command()
def embed(
    model: Annotated[str, typer.Argument(help="Folder of a pretrained model.")],
    csi: Annotated[Path, typer.Argument(help="Folder with CSI.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write: float32 npy [sample, feature].")],
    pooling: Annotated[str, typer.Option(help="Which embedding; an unknown name lists the model's.")] = "",
    device: Annotated[str, typer.Option()] = "cpu",
) -> None:
    """Frozen embeddings of CSI."""
    from wirelessfm.csi import CSI
    from wirelessfm.embed import embed_csi, save_embeddings
    from wirelessfm.models.saved import load_saved

    network, _ = load_saved(model)
    features = embed_csi(network, CSI.load(csi), pooling or None, device=device)
    save_embeddings(features, out)
    typer.echo(f"embeddings {list(features.shape)}: {out}")


if __name__ == "__main__":
    main()
