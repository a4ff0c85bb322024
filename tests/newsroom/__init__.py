"""A small news web on loopback: six invented publishers that a crawl can be tried on without the internet."""
