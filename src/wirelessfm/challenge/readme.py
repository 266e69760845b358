"""The README of a public folder: everything a participant must know, whatever tools they use."""

from __future__ import annotations

from typing import Any

_TEXT = """# Wireless challenge {id}

Five tasks, one model. Every `train/NAME` and `test/NAME` is a folder of CSI: `values-00000.npy` (and following, to be
joined) is complex64 [sample, antenna, subcarrier], physical scale (about 1e-6). `wirelessfm.CSI.load` reads it; so
does `numpy.load` on the files.

| task | inputs | answer | training answers | metric | score |
|---|---|---|---|---|---|
| los | channels | int [sample]: 1 line of sight, 0 none | `train/los.npy` | weighted F1 | F1 |
| beam | channels | int [sample]: best of 64 beams at 28 GHz | `train/beam.npy` | weighted F1 | F1 |
| interpolation | interpolation | complex [sample, antenna, subcarrier] | `train/channels` | NMSE | clip(-dB/20, 0, 1) |
| estimation | estimation | complex [sample, antenna, subcarrier] | `train/channels` | NMSE | clip(-dB/20, 0, 1) |
| localisation | channels | float [sample, 2]: metres ahead of the array, to its left | `train/localisation.npy` | \
mean absolute error of a coordinate | (100 - clip(error, 0, 100))/100 |

NMSE is the sum of |error|^2 over the sum of |truth|^2 of all test samples. The result is the mean of the five scores.

- `interpolation`: no noise; `label-observed.npy` (bool, as the values) says what was measured, the rest is 0.
- `estimation`: pilots with noise; `label-noise_power.npy` is its power per entry.
- Training users are the same, in the same order, in all of `train/`; test users of `channels`, `interpolation` and
  `estimation` are different people in different places. The order of all samples is random.
- Supervised training uses only what is in this folder; data for pretraining are free.

## What to hand in

A folder with five arrays, in the order of the test inputs,

{arrays}

and `submission.json`:

```json
{{
  "name": "my-model",
  "inputs": {{
{prints}
  }},
  "parameters": {{
{parameters}
  }}
}}
```

`inputs` are the fingerprints of what you predicted from (`CSI.fingerprint()`, also in the `card.json` of each test
folder): they guard against other data and another order. `parameters` are counted for each task: `head` is what
stands on the backbone (at most {head}), `trainable` everything that was trained on the training answers, head included
(at most {trainable}). A network without a separate backbone has head 0. `wirelessfm.challenge.write_submission`
writes the folder; check it with

    wfm challenge validate SUBMISSION --public .
"""


def public_readme(card: dict[str, Any]) -> str:
    """The text for the card of a challenge."""
    kinds = {"class": "integer", "csi": "complex64", "value": "float32"}
    tasks, limits = card["tasks"], card["limits"]
    return _TEXT.format(
        id=card["id"],
        arrays="\n".join(f"- `{n}.npy`: {kinds[t['output']]} {t['shape']}" for n, t in tasks.items()),
        prints=",\n".join(f'    "{name}": "{task["fingerprint"]}"' for name, task in tasks.items()),
        parameters=",\n".join(f'    "{name}": {{"head": 1000, "trainable": 100000}}' for name in tasks),
        head=f"{limits['head']:,}".replace(",", " "),
        trainable=f"{limits['trainable']:,}".replace(",", " "),
    )
