"""What people do at a door from afar: tell its devices what to do, look, talk."""
