"""What is done with the news: crawling, extraction, schedules, and the ways out."""
