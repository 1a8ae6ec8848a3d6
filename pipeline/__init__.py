"""The pure core: what a document, a chunk and a job are, and the rules that move them.

Reading order: `states` (the life of a job), `identity` (what counts as the same), `documents`
(the values that travel), `parsing`, `chunking`, `packing`, then `store` (all SQL).
Nothing here knows Prefect, an HTTP framework or Great Expectations.
"""
