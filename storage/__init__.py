"""What is kept: the nouns, the database, the tape and the search index."""
