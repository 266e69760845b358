"""The commands ``wfm challenge …``, and ``wfm inputs`` for predictions made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

challenge = typer.Typer(help="Five tasks, one score: prepare, validate, score.", no_args_is_help=True)

Public = Annotated[Path, typer.Option(help="Public folder of the challenge.")]
Submitted = Annotated[Path, typer.Argument(help="Folder with five arrays and submission.json.")]


@challenge.command("prepare")
def prepare_challenge(
    out: Annotated[Path, typer.Argument(help="New folder; gets public/ and private/.")],
    scene: Annotated[str, typer.Option(help="City of the corpus.")] = "florence",
    seed: Annotated[int, typer.Option(min=0, help="Of split, order, pilots and noise; keep it secret.")] = 0,
    max_users: Annotated[int | None, typer.Option(min=1, help="Altogether; default: all.")] = None,
) -> None:
    """Write inputs and training answers for everyone, and the truth apart from them."""
    from wirelessfm.challenge import prepare
    from wirelessfm.sources import site_pairs

    prepare(out, site_pairs([scene]), seed, max_users)
    typer.echo(f"for everyone: {out / 'public'} (start with its README.md); the truth: {out / 'private'}")


@challenge.command("validate")
def validate_submission(submission: Submitted, public: Public) -> None:
    """Check a submission without the truth; lists everything that is wrong, exit code 1."""
    from wirelessfm.challenge import load_public, read_submission

    found = read_submission(submission, load_public(public))
    typer.echo(f"'{found.name}' is complete: {', '.join(found.predictions)}")


@challenge.command("score")
def score_challenge(
    submission: Submitted,
    public: Public,
    private: Annotated[Path, typer.Option(help="Private folder of the challenge.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Default: score.json in the submission.")] = None,
) -> None:
    """Score a submission: five scores and their mean."""
    from wirelessfm.challenge import load_public, save_result, score_submission

    result = score_submission(submission, load_public(public), private)
    save_result(result, out or submission / "score.json")
    typer.echo(f"{result}\nwritten: {out or submission / 'score.json'}")


@challenge.command("baselines")
def challenge_baselines(
    prepared: Annotated[Path, typer.Argument(help="What 'wfm challenge prepare' wrote.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the networks.")] = 0,
) -> None:
    """Submit and score simple systems: scores, metrics in parentheses (F1, NMSE in dB, metres)."""
    from wirelessfm.challenge import result_table, score_baselines

    typer.echo(result_table(score_baselines(prepared, seed)))
    typer.echo(f"submissions: {prepared / 'baselines'}")


def inputs(
    scene: Annotated[list[str], typer.Option(help="Test city of the corpus; repeat for more.")],
    task: Annotated[str, typer.Option(help="Name of a task, see 'wfm tasks'.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder.")],
    max_users: Annotated[int | None, typer.Option(min=1, help="Of each base station; evaluate with the same.")] = None,
) -> None:
    """Write what a predictor may see of a task, without truth, for predictions made elsewhere."""
    from wirelessfm.predictors import save_inputs
    from wirelessfm.sources import city_data

    (data,) = city_data([task], scene, max_users)
    save_inputs(data, out)
    typer.echo(f"{data.inputs}: {out} (its README.md says how to bring predictions back)")
