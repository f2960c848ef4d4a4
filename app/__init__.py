"""What people touch, and the wiring: command line, HTTP API, screens, embedded services."""
