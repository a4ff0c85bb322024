"""The archive's schema, step by step; run by `storage.db.database`, never by hand."""
