"""Evidence as people look at it: read and checked, drawn on, as a film, and gone when it is old."""
