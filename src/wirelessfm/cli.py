"""The command ``wfm``: thin; every command calls one function that Python users can call too.

Modules are imported inside the commands so that ``wfm --help`` answers at once.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from wirelessfm.cli_challenge import challenge, inputs
from wirelessfm.cli_data import data
from wirelessfm.cli_evaluate import COMMANDS
from wirelessfm.cli_models import MODEL_COMMANDS
from wirelessfm.errors import WirelessFMError

app = typer.Typer(
    name="wfm",
    help="Wireless foundation models: data, pretraining, evaluation, report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(data, name="data")
for _name, _command in {**COMMANDS, **MODEL_COMMANDS}.items():
    app.command(_name)(_command)
app.add_typer(challenge, name="challenge")
app.command()(inputs)

Out = Annotated[Path, typer.Option("--out", "-o", help="Where to write; must not exist yet.")]


def main() -> None:
    """Run the command line; user errors are one message and exit code 1, never a traceback."""
    # Threads that wait without spinning: twice the throughput when something else runs beside. Set before torch loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
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
def trace(
    scenes: Annotated[list[str], typer.Argument(help="Of Sionna RT, such as munich; or made-up: town-0, town-1 …")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder; finished parts in it are kept and continued.")],
    sites: Annotated[int, typer.Option(min=1, help="Base stations.")] = 1,
    carrier_hz: Annotated[list[float] | None, typer.Option(help="Repeat for more; default 3.5e9.")] = None,
    layout: Annotated[str, typer.Option(help="grid or walk.")] = "grid",
    spacing_m: Annotated[float, typer.Option(help="Distance of the grid points.")] = 3.0,
    radius_m: Annotated[float, typer.Option(help="Around each base station.")] = 200.0,
    connected: Annotated[int | None, typer.Option(help="Stop when so many users have a path.")] = None,
    walks: Annotated[int, typer.Option(help="Number of walks.")] = 20,
    steps: Annotated[int, typer.Option(help="Positions of each walk.")] = 50,
    speed_m_per_s: Annotated[float, typer.Option(help="Of the walks.")] = 1.5,
    depth: Annotated[int, typer.Option(help="Largest number of interactions.")] = 3,
    rays: Annotated[int, typer.Option(help="Rays shot from a base station.")] = 20_000,
    diffraction: Annotated[bool, typer.Option("--diffraction", help="Paths around edges; slow.")] = False,
    deterministic: Annotated[bool, typer.Option("--deterministic", help="Every path repeatable; slower.")] = False,
    seed: Annotated[int, typer.Option(help="Of base stations, users and rays.")] = 0,
) -> None:
    """Ray-trace users of cities: one folder with Paths per base station and carrier (needs the extra rt)."""
    from dataclasses import replace

    from wirelessfm.data.simulate.request import TraceRequest
    from wirelessfm.data.simulate.sionna_rt import trace_scenes

    request = TraceRequest(
        n_sites=sites,
        carriers_hz=tuple(carrier_hz or (3.5e9,)),
        layout=layout,  # type: ignore[arg-type]  # checked by TraceRequest
        spacing_m=spacing_m,
        radius_m=radius_m,
        n_connected=connected,
        n_walks=walks,
        n_steps=steps,
        speed_m_per_s=speed_m_per_s,
        seed=seed,
        depth=depth,
        rays=rays,
        diffraction=diffraction,
        deterministic=deterministic,
    )
    for folder in trace_scenes([replace(request, scene=scene) for scene in scenes], out):
        typer.echo(str(folder))


@app.command()
def pretrain(
    recipe: Annotated[str, typer.Argument(help="YAML file, or the name of a recipe that ships (demo-fast, …).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Run folder; an unfinished run in it is continued.")],
    accelerator: Annotated[str, typer.Option(help="cpu, cuda, mps …")] = "cpu",
    devices: Annotated[int, typer.Option(min=1, help="Processes or devices per node; more than 1 is DDP.")] = 1,
    nodes: Annotated[int, typer.Option(min=1)] = 1,
    start: Annotated[str | None, typer.Option(help="Weights to start from: a model folder, or a name.")] = None,
) -> None:
    """Pretrain a model from a recipe; killed runs continue where they were."""
    from wirelessfm.data.corpus import load_corpora
    from wirelessfm.pretrain import Hardware
    from wirelessfm.pretrain import pretrain as run
    from wirelessfm.recipe import load_recipe

    plan = load_recipe(recipe)
    plan = plan if start is None else plan.started_from(start)
    folder = run(plan, load_corpora(plan.data.corpora), out, Hardware(accelerator, devices, nodes))
    # Under DDP this line runs in every process.
    if os.environ.get("LOCAL_RANK", "0") == "0":
        typer.echo(f"model: {folder}")


@app.command()
def input_scaling(recipe: Annotated[str, typer.Argument(help="Of a published model; as for pretrain.")]) -> None:
    """Print the input scaling that suits the views of a recipe, to be written into it."""
    from wirelessfm.data.corpus import load_corpora
    from wirelessfm.pretrain import input_scaling as run
    from wirelessfm.recipe import load_recipe

    plan = load_recipe(recipe)
    typer.echo(f"input_scaling: [{', '.join(f'{x:.3e}' for x in run(plan, load_corpora(plan.data.corpora)))}]")


@app.command()
def simulate(
    name: Annotated[str, typer.Argument(help="umi, uma, rma, inh, cdl-a … tdl-e, wifi-a … f, or D1 … D19.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="CSI folder; an unfinished one is continued.")],
    samples: Annotated[int | None, typer.Option(min=1)] = None,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
    carrier_hz: Annotated[float | None, typer.Option()] = None,
    subcarriers: Annotated[int | None, typer.Option(min=1)] = None,
    spacing_hz: Annotated[float | None, typer.Option()] = None,
    times: Annotated[int | None, typer.Option(min=1)] = None,
    interval_s: Annotated[float | None, typer.Option()] = None,
    columns: Annotated[int | None, typer.Option(min=1, help="Of the base-station array.")] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Of the base-station array.")] = None,
    min_speed_m_per_s: Annotated[float | None, typer.Option()] = None,
    max_speed_m_per_s: Annotated[float | None, typer.Option()] = None,
    los: Annotated[bool | None, typer.Option("--los/--nlos", help="Force; default: as the scenario has it.")] = None,
    delay_spread_s: Annotated[float | None, typer.Option(help="Of the profiles.")] = None,
) -> None:
    """Time-evolving CSI from TR 38.901 (extra phy), IEEE Wi-Fi (extra indoor) or a WiFo configuration."""
    from dataclasses import replace

    from wirelessfm.data.simulate.channel_request import SCENARIOS, SimulationRequest
    from wirelessfm.data.simulate.channels import simulate_to
    from wirelessfm.data.simulate.wifo_sets import WIFO_SETS
    from wirelessfm.errors import unknown_name

    if name not in WIFO_SETS and name not in SCENARIOS:
        raise unknown_name("simulation", name, [*WIFO_SETS, *SCENARIOS])
    given: dict[str, Any] = {
        "n_samples": samples,
        "seed": seed,
        "carrier_hz": carrier_hz,
        "n_subcarriers": subcarriers,
        "subcarrier_spacing_hz": spacing_hz,
        "n_times": times,
        "interval_s": interval_s,
        "n_horizontal": columns,
        "n_vertical": rows,
        "min_speed_m_per_s": min_speed_m_per_s,
        "max_speed_m_per_s": max_speed_m_per_s,
        "los": los,
        "delay_spread_s": delay_spread_s,
    }
    request = replace(
        WIFO_SETS.get(name) or SimulationRequest(name), **{k: v for k, v in given.items() if v is not None}
    )
    typer.echo(str(simulate_to(request, out)))


@app.command()
def synthesize(
    paths: Annotated[Path, typer.Argument(help="Folder with Paths, from 'wfm trace' or a reader.")],
    out: Out,
    antennas: Annotated[int, typer.Option(min=1, help="Columns of the base-station array.")] = 32,
    rows: Annotated[int, typer.Option(min=1, help="Rows of the base-station array.")] = 1,
    subcarriers: Annotated[int, typer.Option(min=1)] = 32,
    spacing_hz: Annotated[float, typer.Option(help="Subcarrier spacing.")] = 30e3,
    times: Annotated[int, typer.Option(min=1, help="Time samples; more than 1 needs paths with Doppler.")] = 1,
    interval_s: Annotated[float, typer.Option(help="Between time samples.")] = 1e-3,
    snr_db: Annotated[float | None, typer.Option(help="Add noise at this ratio.")] = None,
    seed: Annotated[int, typer.Option(help="Of the noise.")] = 0,
) -> None:
    """Turn Paths into CSI with a given array, frequency grid and, for moving users, time grid."""
    import torch

    from wirelessfm.paths import Paths
    from wirelessfm.signal import OFDM, PlanarArray
    from wirelessfm.signal import synthesize as run

    generator = torch.Generator().manual_seed(seed)
    users, grid = Paths.load(paths).connected(), OFDM(subcarriers, spacing_hz)
    times_s = torch.arange(times) * interval_s if times > 1 else None
    csi = run(users, PlanarArray(antennas, rows), grid, times_s=times_s, snr_db=snr_db, generator=generator)
    csi.save(out)
    typer.echo(f"{csi}: {out}")


@app.command()
def corpus() -> None:
    """List the ray-traced data sets that come with the package."""
    from wirelessfm.data.corpus import folder, load, names

    for name in names():
        paths = load(name)
        los = float((paths.connected().los == 1).float().mean())
        users = f"{paths.n_users:6d} users, {paths.connected().n_users:6d} connected, {los:4.0%} line of sight"
        typer.echo(f"{name:28s} {users}")
    typer.echo(f"in {folder()}; derived from OpenStreetMap, see ATTRIBUTION.md there")


@app.command()
def report(
    results: Annotated[list[Path], typer.Argument(help="Results folders and .jsonl files; a later row replaces.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Default: report.html in a single folder, or else here.")
    ] = None,
    title: Annotated[str, typer.Option()] = "Wireless foundation models: results",
) -> None:
    """Turn results into one self-contained HTML page: leaderboards, rankings, curves."""
    from wirelessfm.report import report_results

    typer.echo(f"report: {report_results(results, out, title=title)}")


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder; what it already holds is reused.")] = Path(
        "runs/demo"
    ),
    fast: Annotated[bool, typer.Option("--fast", help="Every stage, small: two minutes.")] = False,
    test_scene: Annotated[str, typer.Option(help="City that pretraining does not see.")] = "florence",
) -> None:
    """Pretrain on the shipped cities, test on an unseen one, write the report."""
    from wirelessfm.demo import demo as run

    run(out / "fast" if fast else out, fast, test_scene)


@app.command()
def compare(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder; what it already holds is reused.")] = Path(
        "runs/compare"
    ),
    system: Annotated[list[str] | None, typer.Option(help="Recipe by name or file; repeat for more.")] = None,
    seconds: Annotated[float, typer.Option(help="Of the processor, for each run.")] = 120.0,
    seeds: Annotated[int, typer.Option(min=1, help="Models of each system.")] = 3,
    scene: Annotated[str, typer.Option(help="City that training does not see.")] = "florence",
    task: Annotated[list[str] | None, typer.Option(help="Default: los and beam-64-antennas-32.")] = None,
    max_users: Annotated[int | None, typer.Option(min=1, help="Of each base station.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Of the evaluation.")] = 2,
) -> None:
    """Train published systems and ours again for equal processor time, test on an unseen city, write the report."""
    from wirelessfm.compare import SYSTEMS, TASKS
    from wirelessfm.compare import compare as run

    run(out, system or SYSTEMS, seconds, seeds, scene, task or TASKS, max_users=max_users, n_workers=workers)


@app.command()
def parity(folder: Annotated[Path, typer.Argument(help="Folder with NAME.json and NAME.npz vectors.")]) -> None:
    """Check our published encoders against numerical vectors of the originals; exit code 1 above 1e-4."""
    from wirelessfm.models.parity import TOLERANCE, check_folder

    rows = check_folder(folder)
    for row in rows:
        verdict = "ok" if row.passed else "FAILED"
        typer.echo(f"{row.vector:20s} {row.system:16s} {row.array:28s} {row.error:9.2e}  {verdict}  {row.note}")
    failed = sum(not row.passed for row in rows)
    if failed:
        raise WirelessFMError(f"{failed} of {len(rows)} arrays differ by more than {TOLERANCE:g}")
    typer.echo(f"{len(rows)} arrays, largest relative error {max(row.error for row in rows):.1e}")


if __name__ == "__main__":
    main()
