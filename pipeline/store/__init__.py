"""All SQL: the schema, and one module for each thing that is done to it; its first line says which.

`schema` describes, `migrations` build, `engine` connects. Then in the order of a job's life:
`registration`, `claims`, `transitions`, `parsed_files`, `chunk_buffer`, `vector_buffer`,
`publication`. What people see is read by `document_queries`, `job_queries`, `events`, `summary`,
`overview` and `search`; money is counted by `cost_caps` and `service_calls`; who owns what is in
`job_owners` and `leases`. `embedded` and its kin are the Postgres that we bring along, and
`reconciling` finds damage.
"""
