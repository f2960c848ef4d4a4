"""How long a responder will take: by the map's distance, or by a road service."""
