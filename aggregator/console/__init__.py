"""What each command does and shows in the terminal."""
