"""Networks for one task each, as their papers give them, trained from scratch on the labels of that task."""

from wirelessfm.baselines.published_networks.fcn_los import train_fcn_los
from wirelessfm.baselines.published_networks.fcn_position import train_fcn_position
from wirelessfm.baselines.published_networks.mlp_beam import train_mlp_beam
from wirelessfm.baselines.published_networks.resnet_beam import train_resnet_beam

__all__ = ["train_fcn_los", "train_fcn_position", "train_mlp_beam", "train_resnet_beam"]
