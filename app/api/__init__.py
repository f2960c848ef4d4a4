"""The HTTP API, `/v1`: residents' programs, operators' tools and the responder's answer."""
