"""The MQTT edge: sessions, the device registry, credentials, configuration to devices."""
