"""Result rows as one self-contained HTML page: rankings, label-efficiency curves, maps, provenance."""

from wirelessfm.report.maps import EmbeddingMap, UserMap, load_map, save_map
from wirelessfm.report.page import report_folder, write_report

__all__ = ["EmbeddingMap", "UserMap", "load_map", "report_folder", "save_map", "write_report"]
