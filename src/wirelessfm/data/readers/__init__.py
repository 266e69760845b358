"""Every format that can be read, by name. One file a format; what is not here needs a data card."""

from __future__ import annotations

from collections.abc import Callable

from wirelessfm.csi import CSI
from wirelessfm.data.card_values import read_with_card
from wirelessfm.data.iq import IQ
from wirelessfm.data.readers.csinet import read_csinet
from wirelessfm.data.readers.deepmimo_v3 import read_deepmimo_v3
from wirelessfm.data.readers.deepmimo_v4 import read_deepmimo_v4
from wirelessfm.data.readers.esp32_har import read_esp32_har
from wirelessfm.data.readers.intel5300_loc8 import read_intel5300_loc8
from wirelessfm.data.readers.llm4cp import read_llm4cp
from wirelessfm.data.readers.nist_qd import read_nist_qd
from wirelessfm.data.readers.openofdm_iq import read_openofdm_iq
from wirelessfm.data.readers.quadriga import read_quadriga
from wirelessfm.data.readers.raw_iq import read_raw_iq
from wirelessfm.data.readers.remcom_text import read_remcom_text
from wirelessfm.data.readers.sigmf import read_sigmf
from wirelessfm.data.readers.uwb_cir import read_uwb_cir
from wirelessfm.data.readers.wifi_logs import read_wifi_log
from wirelessfm.data.readers.wifo import read_wifo
from wirelessfm.data.readers.wimae import read_wimae
from wirelessfm.paths import Paths

Reader = Callable[..., Paths | CSI | IQ]

PATH_READERS: dict[str, Callable[..., Paths]] = {
    "deepmimo-v3": read_deepmimo_v3,
    "deepmimo-v4": read_deepmimo_v4,
    "nist-qd": read_nist_qd,
    "remcom-text": read_remcom_text,
}
CSI_READERS: dict[str, Callable[..., CSI]] = {
    "card": read_with_card,
    "csinet": read_csinet,
    "esp32-har": read_esp32_har,
    "intel5300-loc8": read_intel5300_loc8,
    "llm4cp": read_llm4cp,
    "quadriga": read_quadriga,
    "uwb-cir": read_uwb_cir,
    "wifi-log": read_wifi_log,
    "wifo": read_wifo,
    "wimae": read_wimae,
}
IQ_READERS: dict[str, Callable[..., IQ]] = {
    "openofdm-iq": read_openofdm_iq,
    "raw-iq": read_raw_iq,
    "sigmf": read_sigmf,
}
READERS: dict[str, Reader] = {**PATH_READERS, **CSI_READERS, **IQ_READERS}

__all__ = ["CSI_READERS", "IQ_READERS", "PATH_READERS", "READERS", "Reader"]
