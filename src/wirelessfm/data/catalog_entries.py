"""What is in the catalogue: corpora that ship, that a command generates, and that users obtain themselves.

Licences are quoted from the sources, which have the last word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wirelessfm.data.simulate.plan import OSM_LICENCE, OSM_SCENES
from wirelessfm.data.simulate.wifo_sets import WIFO_SETS

ON_PATHS = ("los", "beam", "localisation", "path-loss", "estimation", "interpolation", "frequency-prediction")
IN_TIME = ("time-prediction", "frequency-prediction", "estimation", "interpolation")
TASK_KINDS = (*ON_PATHS, "time-prediction", "feedback", "activity", "detection")

_DEEPMIMO_LICENCE = "CC BY-NC-SA 4.0 (DeepMIMO): research use only"
_DEEPMIMO = "https://www.deepmimo.net; A. Alkhateeb, DeepMIMO, arXiv:1902.06435"


@dataclass(frozen=True)
class Entry:
    """One corpus.

    Attributes:
        name: key in the catalogue.
        kind: how one gets it.
        content: what reading it gives: Paths, CSI, IQ samples, or a table of numbers.
        origin: what it was made by.
        carrier_hz: every carrier there is; empty if it varies.
        array: antennas of the base station or transmitter, rows x columns, and of the receiver if several; "any" for
            paths.
        size: samples or users, in words.
        tasks: names out of TASK_KINDS.
        where: address or publication.
        licence: as its publisher states it.
        how: the command, or what to do.
    """

    name: str
    kind: Literal["shipped", "recipe", "obtain"]
    content: Literal["Paths", "CSI", "IQ", "table"]
    origin: Literal["ray-traced", "simulated", "measured"]
    carrier_hz: tuple[float, ...]
    array: str
    size: str
    tasks: tuple[str, ...]
    where: str
    licence: str
    how: str


def _city(scene: str) -> Entry:
    return Entry(
        scene, "shipped", "Paths", "ray-traced", (3.5e9, 28e9), "any",
        "3 base stations, 4,000 users each", ON_PATHS,
        "in the package; Sionna RT in a scene from OpenStreetMap", OSM_LICENCE,
        f"wirelessfm.data.corpus.load_corpora(['{scene}']); a recipe names it under data.corpora",
    )  # fmt: skip


def _wifo(name: str) -> Entry:
    made = WIFO_SETS[name]
    slowest, fastest = (round(3.6 * speed) for speed in (made.min_speed_m_per_s, made.max_speed_m_per_s))
    sight = "LoS" if made.los else "NLoS"
    return Entry(
        name, "recipe", "CSI", "simulated", (made.carrier_hz,), f"{made.n_vertical}x{made.n_horizontal}",
        f"{made.n_samples:,} x {made.n_times} times x {made.n_subcarriers} subcarriers, "
        f"{made.scenario} {sight}, {slowest}-{fastest} km/h",
        IN_TIME, "configuration of WiFo, arXiv:2412.08908, drawn from 3GPP TR 38.901 instead of QuaDRiGa",
        "generated on your machine: no licence", f"wfm simulate {name} --out {name}",
    )  # fmt: skip


SHIPPED = tuple(_city(scene) for scene in OSM_SCENES)

RECIPES = (
    Entry(
        "traced-city", "recipe", "Paths", "ray-traced", (), "any", "as many users as asked for", ON_PATHS,
        "Sionna RT (extra rt), its scenes or your own request", OSM_LICENCE,
        "wfm trace munich --sites 3 --carrier-hz 3.5e9 --carrier-hz 28e9 --out traced",
    ),
    Entry(
        "tr38901", "recipe", "CSI", "simulated", (), "planar", "as many samples as asked for", IN_TIME,
        "3GPP TR 38.901 by Sionna PHY: umi, uma, rma, inh, cdl-a to cdl-e, tdl-a to tdl-e",
        "generated on your machine: no licence", "wfm simulate umi --out umi",
    ),
    *(_wifo(name) for name in WIFO_SETS),
)  # fmt: skip

OBTAIN = (
    Entry(
        "deepmimo-v3", "obtain", "Paths", "ray-traced", (), "any", "depends on the scenario", ON_PATHS,
        _DEEPMIMO, _DEEPMIMO_LICENCE, "wfm data convert SCENARIO_FOLDER OUT --layout deepmimo-v3 --option bs=1",
    ),
    Entry(
        "deepmimo-v4", "obtain", "Paths", "ray-traced", (), "any", "depends on the scenario", ON_PATHS,
        _DEEPMIMO, "see the scenario's page on deepmimo.net, mostly CC BY-NC-SA 4.0",
        "wfm data convert SCENARIO.zip OUT --layout deepmimo-v4 --option tx=0",
    ),
    Entry(
        "lwm-six-cities", "obtain", "Paths", "ray-traced", (3.5e9, 28e9),
        "any",
        "14,840 users in 6 cities", ON_PATHS,
        "DeepMIMO v3 scenarios of Denver and Indianapolis (bs=3), Oklahoma, Fort Worth, Santa Clara, San Diego (bs=1); "
        "LWM, arXiv:2411.08872",
        _DEEPMIMO_LICENCE, "wfm data convert city_12_fortworth fortworth --layout deepmimo-v3 --option bs=1",
    ),
    Entry(
        "wimae-npz", "obtain", "CSI", "ray-traced", (3.5e9,), "1x32",
        "1,140,000 x 32 subcarriers, times 1e6", ("estimation", "interpolation"),
        "release of WiMAE and ContraWiMAE, arXiv:2505.09160", f"made from DeepMIMO scenarios: {_DEEPMIMO_LICENCE}",
        "wfm data convert FILE.npz OUT --layout wimae",
    ),
    Entry(
        "csinet-cost2100", "obtain", "CSI", "simulated", (5.3e9, 300e6), "1x32",
        "150,000 x 32 delays, indoor and outdoor",
        ("feedback",), "COST 2100 data of CsiNet, arXiv:1712.08919", "none known: ask its authors",
        "wfm data convert DATA_Htrainin.mat OUT --layout csinet",
    ),
    Entry(
        "llm4cp", "obtain", "CSI", "simulated", (2.4e9,), "4x4 dual-pol",
        "9,000 x 20 times x 48 subcarriers, 10-100 km/h",
        ("time-prediction", "frequency-prediction"), "release of LLM4CP, arXiv:2406.14440 (QuaDRiGa UMa NLoS)",
        "none known: ask its authors", "wfm data convert H_U_his_train.mat OUT --layout llm4cp",
    ),
    Entry(
        "wifo-release", "obtain", "CSI", "simulated", (), "planar",
        "12,000 a set, D1 to D19", IN_TIME, "release of WiFo, arXiv:2412.08908 (QuaDRiGa)",
        "none known: ask its authors",
        "wfm data convert X_train.mat OUT --layout wifo --option carrier_hz=1.5e9",
    ),
    Entry(
        "iwl5300-csi-loc8-polyu", "obtain", "CSI", "measured", (), "2, receiver 3",
        "17,280 x 30 subcarriers, 8 places, 9 days", ("localisation",),
        "https://github.com/iVANET-PolyU/CSI_IPS_2020-21, doi:10.1016/j.eswa.2024.125802", "MIT",
        "wfm data convert csi.npz OUT --layout intel5300-loc8; the original .dat logs: --layout wifi-log",
    ),
    Entry(
        "uwb-cir-apartment", "obtain", "CSI", "measured", (3.9936e9,), "1",
        "10,665 x 260 taps, 36 positions", ("los",),
        "https://github.com/marckolak/uwb-cirs-2018, doi:10.23919/MIKON.2018.8405190", "CC BY 4.0",
        "wfm data convert uwb_cir.npz OUT --layout uwb-cir",
    ),
    Entry(
        "esp32-csi-har-geotec", "obtain", "CSI", "measured", (2.437e9,), "1",
        "32 runs x 56 subcarriers, amplitudes", ("activity",),
        "https://github.com/GeoTecINIT/stability-csi-har, doi:10.1109/IPIN57070.2023.10332214", "ODC-By 1.0",
        "wfm data convert esp32_csi_har.npz OUT --layout esp32-har",
    ),
    Entry(
        "indoor-3g5-pathloss", "obtain", "table", "measured", (3.5e9,), "1",
        "2,290 rows: distance, walls, loss", ("path-loss",),
        "https://github.com/amilcarmeneses/Path-Loss-Data-for-Fifth-Generation-of-Wireless-Communications-in-Indoors",
        "CC BY 4.0", "plain CSV files, nothing to convert: read with encoding utf-8-sig",
    ),
    Entry(
        "nist-qd-60ghz-raytrace", "obtain", "Paths", "ray-traced", (60e9,), "any",
        "2 to 110 links x 1 to 200 steps, 4 scenes",
        ("time-prediction", "beam", "path-loss"), "https://github.com/wigig-tools/qd-realization",
        "NIST software notice (US public domain, redistribution with the notice), parts Apache-2.0",
        "wfm data convert L-Room-rotation OUT --layout nist-qd",
    ),
    Entry(
        "ris-factory-60ghz-raytrace", "obtain", "Paths", "ray-traced", (60e9,), "any",
        "280 users x 10 paths", ("localisation", "estimation", "beam"),
        "https://github.com/WiSeCom-Lab/RIS-ray-tracing", "MIT", "wfm data convert FOLDER OUT --layout remcom-text",
    ),
    Entry(
        "wifi-iq-openofdm", "obtain", "IQ", "measured", (), "1",
        "20 captures, 20 Msample/s", ("detection", "estimation"),
        "https://github.com/open-sdr/openofdm", "Apache-2.0",
        "READERS['openofdm-iq']('wifi_iq.npz', 'conducted_11a_6') in Python",
    ),
    Entry(
        "nbiot-sigmf", "obtain", "IQ", "measured", (832.34e6,), "1",
        "0.8 s, 640 ksample/s, 19 bursts", ("detection",),
        "https://github.com/daniestevez/jupyter_notebooks, folder LTE", "CC BY 4.0",
        "READERS['sigmf']('V16-beacon-NB-IoT-uplink.sigmf-meta') in Python",
    ),
    Entry(
        "mode-s-iq", "obtain", "IQ", "measured", (1.09e9,), "1", "0.178 s, 2 Msample/s, 121 frames",
        ("detection",), "https://github.com/antirez/dump1090, testfiles/modes1.bin", "BSD 3-Clause",
        "READERS['raw-iq']('modes1.bin', kind='cu8', sample_rate_hz=2e6) in Python",
    ),
)  # fmt: skip
