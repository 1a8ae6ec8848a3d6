"""Database roles and logins of the embedded Postgres: an owner migrates, one works, one reads.

None of them is a superuser. The logins inherit nothing: they take the role they are members of,
and `RESET ROLE` leaves them with no right to any table. The reader's login is no member of the
service's role, so that a reader's session cannot become the pipeline.
"""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.store.schema import READER_ROLE, SCHEMA, SERVICE_ROLE

OWNER_LOGIN = "navigator_owner"
SERVICE_LOGIN = "navigator_service_login"
READER_LOGIN = "navigator_reader_login"
_PLAIN = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
_ROLES = {
    SERVICE_ROLE: "NOLOGIN",
    READER_ROLE: "NOLOGIN",
    OWNER_LOGIN: "LOGIN NOINHERIT",
    SERVICE_LOGIN: "LOGIN NOINHERIT",
    READER_LOGIN: "LOGIN NOINHERIT",
}
_MEMBERS = (
    (SERVICE_ROLE, SERVICE_LOGIN),
    (READER_ROLE, READER_LOGIN),
    # migrations change rows as the service, for the owner itself sees none
    (SERVICE_ROLE, OWNER_LOGIN),
    (READER_ROLE, OWNER_LOGIN),
)
# The bootstrap superuser's objects cannot be given away by REASSIGN OWNED.
_HAND_OVER = f"""
DO $$
DECLARE
    schema_id oid := to_regnamespace('{SCHEMA}');
    owner_id oid := '{OWNER_LOGIN}'::regrole;
    name text;
BEGIN
    IF schema_id IS NULL THEN
        RETURN;
    END IF;
    IF (SELECT nspowner FROM pg_namespace WHERE oid = schema_id) <> owner_id THEN
        ALTER SCHEMA {SCHEMA} OWNER TO {OWNER_LOGIN};
    END IF;
    FOR name IN
        SELECT oid::regclass::text FROM pg_class AS c
        WHERE relnamespace = schema_id AND relowner <> owner_id
          AND (relkind IN ('r', 'p', 'v', 'm') OR relkind = 'S' AND NOT EXISTS (
              SELECT FROM pg_depend  -- a column's sequence goes with its table
              WHERE objid = c.oid AND classid = 'pg_class'::regclass AND deptype IN ('a', 'i')))
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO {OWNER_LOGIN}', name);
    END LOOP;
    FOR name IN
        SELECT oid::regprocedure::text FROM pg_proc
        WHERE pronamespace = schema_id AND proowner <> owner_id
    LOOP
        EXECUTE format('ALTER ROUTINE %s OWNER TO {OWNER_LOGIN}', name);
    END LOOP;
END $$
"""
_IS_SUPERUSER = sa.text(
    f"""
    SELECT rolsuper AND EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER_LOGIN}')
    FROM pg_roles WHERE rolname = current_user
    """
)


def settle_roles(connection: sa.Connection) -> None:
    """Create the logins and give the schema to its owner, as a superuser; idempotent."""
    for name, kind in _ROLES.items():
        connection.execute(sa.text(_ensured(name, f"{kind} {_PLAIN}")))
    for role, login in _MEMBERS:
        connection.execute(
            sa.text(f"GRANT {role} TO {login} WITH INHERIT FALSE, SET TRUE, ADMIN FALSE")
        )
    database = connection.scalar(sa.text("SELECT quote_ident(current_database())"))
    connection.execute(sa.text(f"GRANT CREATE ON DATABASE {database} TO {OWNER_LOGIN}"))
    # The package's pgvector is not one that a plain owner may install.
    connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
    connection.execute(sa.text(_HAND_OVER))
    show_revision(connection)


def hand_over(connection: sa.Connection) -> None:
    """Leave what a superuser has just migrated to the owner, in a cluster that has one."""
    if connection.scalar(_IS_SUPERUSER):
        connection.execute(sa.text(_HAND_OVER))


def show_revision(connection: sa.Connection) -> None:
    """Let the pipeline see which revision the schema has, if there is one."""
    table = f"{SCHEMA}.alembic_version"
    if connection.scalar(sa.text("SELECT to_regclass(:table)"), {"table": table}) is not None:
        connection.execute(sa.text(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {SERVICE_ROLE}"))
        connection.execute(sa.text(f"GRANT SELECT ON {table} TO {SERVICE_ROLE}, {READER_ROLE}"))


def _ensured(name: str, kind: str) -> str:
    return f"""
    DO $$ BEGIN
        IF to_regrole('{name}') IS NULL THEN
            CREATE ROLE {name} {kind};
        ELSE
            ALTER ROLE {name} {kind};
        END IF;
    END $$
    """
