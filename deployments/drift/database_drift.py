"""Compares an environment's database with what the migrations declare."""

from __future__ import annotations

from collections.abc import Iterator

from deployments.drift import explaining, origins
from deployments.drift.difference import Area, Difference, Repair
from deployments.structure.declared import declared_structure
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from pipeline.store.database_urls import Addresses
from pipeline.store.engine import Database
from pipeline.store.migrating import head_revision
from pipeline.store.schema_changes import contracted
from pipeline.store.structure import Structure, StructureDifference, differences, read_structure
from pipeline.store.structure.repairing import statement_for
from stages.services import database_addresses


def opened(addresses: Addresses) -> Database:
    """The database as it is: nothing is migrated."""
    return Database.at(addresses, pool_size=2)


async def database_drift(settings: Settings) -> list[Difference]:
    """Every object of the database that is missing, extra or other.

    Raises:
        DatabaseUnavailable: it cannot be reached.
        ConfigurationError: it cannot be found.
    """
    database = opened(await database_addresses(settings))
    try:
        found = await read_structure(database)
    finally:
        await database.close()
    return list(_explained(found))


def _explained(found: Structure) -> Iterator[Difference]:
    declared = declared_for(found)
    for each in differences(declared, found):
        yield _difference(each, found)
    if declared.revision == found.revision != head_revision():
        yield _difference(
            StructureDifference("revision", "schema", head_revision(), found.revision), found
        )


def declared_for(found: Structure) -> Structure:
    """Of the revision and the contractions that the database has, where this version knows them."""
    try:
        declared = declared_structure(found.revision or "")
    except ConfigurationError:
        declared = declared_structure(head_revision())
    return contracted(declared, found.contractions)


def subject(each: StructureDifference) -> str:
    """What a difference is about, in words."""
    name = each.name if each.partition is None else each.name.replace("*", each.partition)
    return f"{each.kind} {name}"


def _difference(each: StructureDifference, found: Structure) -> Difference:
    told = explaining.of_database(each.kind, extra=each.what == "extra")
    repair, remedy = told.repair, told.remedy
    if repair is Repair.SAFE and statement_for(each) is None:
        repair, remedy = Repair.TOLD, explaining.DROP_FIRST
    return Difference(
        Area.DATABASE, subject(each), "", each.expected, each.found, told.means,
        origins.of_database_object(found.told.get("owner of the schema")), repair, remedy,
    )  # fmt: skip
