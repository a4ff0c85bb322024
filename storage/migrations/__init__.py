"""The archive's schema, step by step; run by `storage.database`, never by hand."""
