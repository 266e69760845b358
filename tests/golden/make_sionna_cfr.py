"""Makes sionna_cfr.npz: paths of twelve users of the scene munich and Sionna's own frequency responses.

The paths come from a solve with single antennas, the responses from a second solve with an 8 x 2 array at the
base station (8 columns, 2 rows, isotropic, vertical polarisation, half a wavelength apart) that is turned by
``bs_orientation_rad`` in Sionna's convention: R = Rz(yaw) Ry(pitch) Rx(roll), so positive pitch looks DOWN.
Antennas are numbered column by column from the top left: index = column * 2 + row, row 0 on top.

Run: python tests/golden/make_sionna_cfr.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wirelessfm.data.simulate.llvm import sionna_rt

CARRIER_HZ = 3.5e9
BS_POSITION_M = (8.5, 21.0, 27.0)
BS_ORIENTATION_RAD = (0.7, 0.1, 0.0)
N_USERS = 12


def main() -> None:
    rt = sionna_rt()
    scene = rt.load_scene(rt.scene.munich)
    scene.frequency = CARRIER_HZ
    single = rt.PlanarArray(num_rows=1, num_cols=1, pattern="iso", polarization="V")
    scene.tx_array = scene.rx_array = single
    scene.add(rt.Transmitter("bs", position=BS_POSITION_M, orientation=BS_ORIENTATION_RAD))
    solver = rt.PathSolver()
    for i, position in enumerate(user_positions(rt, scene, solver)):
        scene.add(rt.Receiver(f"user-{i}", position=[float(x) for x in position]))
    options = {"max_depth": 3, "samples_per_src": 200_000, "synthetic_array": True, "refraction": False, "seed": 1}
    arrays = padded_paths(solver(scene, **options))

    scene.tx_array = rt.PlanarArray(num_rows=2, num_cols=8, pattern="iso", polarization="V")
    frequency_hz = rt.subcarrier_frequencies(16, 120e3)
    cfr = solver(scene, **options).cfr(frequency_hz, normalize_delays=False, normalize=False, out_type="numpy")
    wavelength_m = 299_792_458.0 / CARRIER_HZ
    arrays |= {
        "cfr": cfr[:, 0, 0, :, 0, :].astype(np.complex64),
        "frequency_hz": np.asarray(frequency_hz, dtype=np.float64),
        "antenna_local_wavelength": scene.tx_array.normalized_positions.numpy().T.astype(np.float32),
        "antenna_scene_m": scene.tx_array.rotate(wavelength_m, scene.transmitters["bs"].orientation)
        .numpy()
        .T.astype(np.float32),
        "bs_position_m": np.array(BS_POSITION_M),
        "bs_orientation_rad": np.array(BS_ORIENTATION_RAD),
        "position_m": np.stack([r.position.numpy()[:, 0] for r in scene.receivers.values()]).astype(np.float32),
        "carrier_hz": np.array(CARRIER_HZ),
    }
    np.savez_compressed(Path(__file__).with_name("sionna_cfr.npz"), **arrays)


def user_positions(rt, scene, solver) -> np.ndarray:
    """The first twelve of many random points that have at least three paths."""
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(-120, 120, (300, 2)) + BS_POSITION_M[:2], np.full(300, 1.5)])
    for i, point in enumerate(points):
        scene.add(rt.Receiver(f"candidate-{i}", position=[float(x) for x in point]))
    paths = solver(scene, max_depth=3, samples_per_src=20_000, refraction=False, seed=1)
    count = paths.valid.numpy()[:, 0].sum(axis=-1)
    for i in range(len(points)):
        scene.remove(f"candidate-{i}")
    return points[count >= 3][:N_USERS]


def padded_paths(paths) -> dict[str, np.ndarray]:
    """Path arrays [user, path] in the conventions of wirelessfm.Paths, ordered by delay."""
    valid = paths.valid.numpy()[:, 0]
    delay_s = paths.tau.numpy()[:, 0].astype(np.float64)
    # Sionna's own baseband gains: recomputing the carrier phase from a float32 delay would differ by 1e-3.
    gain = paths.cir(normalize_delays=False, out_type="numpy")[0][:, 0, 0, 0, :, 0]
    columns = {
        "gain": gain,
        "delay_s": delay_s,
        "departure_azimuth_rad": paths.phi_t.numpy()[:, 0],
        "departure_elevation_rad": np.pi / 2 - paths.theta_t.numpy()[:, 0],
        "arrival_azimuth_rad": paths.phi_r.numpy()[:, 0],
        "arrival_elevation_rad": np.pi / 2 - paths.theta_r.numpy()[:, 0],
    }
    order = np.argsort(np.where(valid, delay_s, np.inf), axis=1)
    valid = np.take_along_axis(valid, order, axis=1)
    arrays = {name: np.where(valid, np.take_along_axis(c, order, axis=1), 0) for name, c in columns.items()}
    narrow = {name: c.astype(np.complex64 if name == "gain" else np.float32) for name, c in arrays.items()}
    return {**narrow, "n_paths": valid.sum(axis=1)}


if __name__ == "__main__":
    main()
