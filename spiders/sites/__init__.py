"""Spider classes of sites that need code of their own."""
