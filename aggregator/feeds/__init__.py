"""Feed and export formats: one file per format."""
