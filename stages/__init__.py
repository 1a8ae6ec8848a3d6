"""The stages: what happens to documents, as services without Prefect.

Every stage reads the jobs of its batch that it may advance, works, and writes its effect, the
change of state and the audit in one transaction. So a stage can be run again at any time: it goes
on with the documents that have not advanced. Documents fail one by one, never the batch.
"""
