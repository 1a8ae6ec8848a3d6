"""Takes in what is new or changed in sources: buckets, folders, mailboxes."""
