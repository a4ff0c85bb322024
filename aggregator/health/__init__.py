"""Whether each source is well: it goes silent, floods, blocks, yields rubbish or fails, and since when."""
