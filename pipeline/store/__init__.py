"""All SQL: the schema, and one module for each thing that is done to it.

`schema` describes, `migrations` build, `engine` connects. Then in the order of a job's life:
`registration`, `claims`, `transitions`, `parsed_files`, `chunk_buffer`, `vector_buffer`,
`publication`; beside them `runs`, `budgets`, `service_calls`, `quality`, `search`, `history`,
`deletion`, `spaces`.
"""
