"""What opens, how fast and how completely: the table and the pictures of ``docs/formats.md``, made by a command."""
