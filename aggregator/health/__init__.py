"""Examine the health of sources: silence, floods, blocks, poor extractions and failures."""
