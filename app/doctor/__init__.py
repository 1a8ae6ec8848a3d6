"""What `navigator doctor` tries and tells, part by part."""
