"""Result rows as one self-contained HTML page: leaderboards, rankings, significance, curves, maps, provenance."""

from wirelessfm.report.maps import EmbeddingMap, UserMap, load_map, save_map
from wirelessfm.report.page import report_folder, report_results, write_report

__all__ = ["EmbeddingMap", "UserMap", "load_map", "report_folder", "report_results", "save_map", "write_report"]
