"""Adapting frozen features to a task."""

from wirelessfm.adapt.heads import HEADS, fit_head

__all__ = ["HEADS", "fit_head"]
