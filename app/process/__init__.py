"""What a process of ours takes over from where it is started, and what it leaves there."""
