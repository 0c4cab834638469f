"""Agreement with the original model: golden vectors in a folder, checked set by set."""

from autocompress.models.goldens.folder import check_folder
from autocompress.models.goldens.scorecard import ArrayScore, FolderScore, SetScore

__all__ = ["ArrayScore", "FolderScore", "SetScore", "check_folder"]
