"""Why the archive says what it says of an article or an address, in words; how they are drawn is another matter."""
