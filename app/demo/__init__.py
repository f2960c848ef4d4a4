"""The demo: three homes, a loiterer, an SOS press and somebody coming home, on the real thing."""
