"""Every mutation, by what it takes away."""

from __future__ import annotations

from tests.mutations.catalog import (
    accepting,
    fencing,
    leases,
    load,
    money,
    owning,
    parsing,
    publishing,
    services,
    shadows,
    syncing,
    tenants,
    upkeep,
)
from tests.mutations.mutation import Mutation

MUTATIONS: tuple[Mutation, ...] = (
    *leases.MUTATIONS,
    *fencing.MUTATIONS,
    *owning.MUTATIONS,
    *money.MUTATIONS,
    *services.MUTATIONS,
    *parsing.MUTATIONS,
    *accepting.MUTATIONS,
    *publishing.MUTATIONS,
    *syncing.MUTATIONS,
    *upkeep.MUTATIONS,
    *tenants.MUTATIONS,
    *load.MUTATIONS,
    *shadows.MUTATIONS,
)
