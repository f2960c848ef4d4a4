"""Devices, fleets and pagers that speak only the wire protocol, as a stranger's would."""
