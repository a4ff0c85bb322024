"""Code for the few sites that need it."""
