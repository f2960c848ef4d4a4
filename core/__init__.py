"""Ground floor: the model, the wire protocol, ports, and the few mechanisms every room uses.

Imports nothing of ours. See `docs/architecture.md`.
"""
