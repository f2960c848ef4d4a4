"""The event store over years: partitions, compression, roll-ups, retention, and who runs them."""
