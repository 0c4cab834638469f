"""One line of English or Chinese, a TOML file or keyword arguments: what the voice must fit, and where."""

from autocompress.request.devices import LOCAL, DeviceNames, library_devices
from autocompress.request.faults import LineError
from autocompress.request.quantities import QUANTITIES, Quantity
from autocompress.request.request import Request

__all__ = ["LOCAL", "QUANTITIES", "DeviceNames", "LineError", "Quantity", "Request", "library_devices"]
