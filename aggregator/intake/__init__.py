"""The way in: a Page comes in, an Article is kept."""
