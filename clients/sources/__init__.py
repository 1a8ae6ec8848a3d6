"""Sources of documents: buckets, folders, mailboxes."""
