"""Commands that make what the project ships: the sample city and the README's pictures."""
