"""The declared structure: what our migrations build, as a file for each revision of the schema.

A contraction takes away without a revision: the file beside its module says what.

An environment's login may make no database to migrate for a comparison, and Postgres alone knows
how it writes a definition. So the file is made where a Postgres can be started, ships with the
package, and a test holds it to the migrations.
"""
