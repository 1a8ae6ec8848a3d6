"""What `navigator space` and `navigator golden` print, made of real values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from app.cli import golden
from app.recipes import RecipeList
from app.spaces import SpaceList, SpaceView
from app.terminal import recipes, spaces
from clients.local.embedders import WordLlamaEmbedder
from pipeline.chunk_sizes import ChunkSizes
from pipeline.errors import CostCapReached
from pipeline.store import recipes as stored_recipes
from pipeline.store.recipe_switching import Exchange
from pipeline.store.recipes import Recipe, RecipeUse
from pipeline.store.space_pointer import PastSwitch, SpaceUse, StoredSpace, Switch
from pipeline.store.space_vectors import Lacking
from stages.golden.asking import Asked, SpaceScore
from stages.golden.comparison import Comparison
from stages.golden.questions import Expected, GoldenQuestion
from stages.golden.scores import Interval, Score
from stages.recipes.building import RecipePlan, RecipeRun
from stages.recipes.switching import Exchanged
from stages.spaces.build_runs import SpaceRun
from stages.spaces.building import SpacePlan
from stages.spaces.space_settings import SpaceSettings

NOW = datetime.now(UTC)


def comparison() -> Comparison:
    """Two spaces, of which one loses a question and wins another."""
    question = GoldenQuestion(question="Is hail covered?", expected=(Expected(quote="hail"),))
    sure = Interval(0.5, 0.4, 0.6)
    asked = Asked(question, Score(1, 1), 1, 0.1)
    score = SpaceScore((asked,), sure, sure, 0.1, 0.2, Decimal("0.1"))
    return Comparison(score, score, sure, sure, (question,), (question,), 1)


def made_spaces() -> Iterator[tuple[str, Any]]:
    """Each answer, by its heading on the page."""
    one, two = uuid4(), uuid4()
    stored = StoredSpace(
        one, "openai", "m", 3, "1", "active", NOW, True, None, ["http://localhost/v1"], "Look."
    )
    past = PastSwitch(NOW, "switch", two, one, "me@here", "why", None)
    view = SpaceView(stored, True, SpaceUse(1, 1), 0)
    bare = replace(view, space=replace(stored, note=None))
    yield "`navigator space list`", spaces.spaces_json(SpaceList([view, bare], [past]))
    settings = SpaceSettings(embedder="wordllama")
    plan = SpacePlan(WordLlamaEmbedder(), settings, False, Lacking(1, 2, 3, 4), 5, Decimal(1))
    yield "`navigator space build --dry-run`", spaces.plan_json(plan)
    run = SpaceRun(one, two, 1, 1, Decimal(1), {"Too long.": 1}, CostCapReached("A cap."))
    yield "`navigator space build`", spaces.run_json(run)
    yield "`navigator space build`", spaces.run_json(replace(run, stopped=None))
    yield "`navigator space build --deployed`", spaces.handed_json(one, two)
    compared = comparison()
    yield "`navigator space compare`", spaces.comparison_json(compared)
    made = Switch("switch", one, two, "me@here", "why", compared.figures())
    for each in (made, replace(made, comparison=None)):
        yield "`navigator space switch`, `space rollback`", spaces.switch_json(each)
    yield "`navigator space drop`", spaces.dropped_json(one, 1)
    yield from _recipes(compared)
    question = GoldenQuestion(
        question="x", user="anna", expected=(Expected(document="a", page=1, quote="b"),)
    )
    least = GoldenQuestion(question="x", expected=(Expected(quote="b"), Expected(document="a")))
    yield "`navigator golden add`, `golden draw`", golden.added_json(1, [question, least])
    yield "`navigator golden list`", golden.listed_json([question, least], {one: question})
    yield "`navigator golden remove`", golden.removed_json("0a1b2c3d", 1)


def _recipes(compared: Comparison) -> Iterator[tuple[str, Any]]:
    recipe = Recipe(uuid4(), "markdown-3:400/50:x", 400, 50)
    use = RecipeUse(recipe.id, 1, 2, 3, 1, 1)
    past = stored_recipes.PastSwitch(NOW, "switch", 600, 50, "a", 400, 50, "b", 2, "me@here", "why")
    found = RecipeList(ChunkSizes(600, 50), [(recipe, use)], [past])
    yield "`navigator recipe list`", recipes.recipes_json(found)
    plan = RecipePlan(recipe, 1, 2, 3, 4, Decimal(1), {"Too short.": 1})
    yield "`navigator recipe build --dry-run`", recipes.recipe_plan_json(plan)
    run = RecipeRun(recipe, uuid4(), 1, use, Decimal(1), {"Too long.": 1}, CostCapReached("A cap."))
    for each in (run, replace(run, stopped=None)):
        yield "`navigator recipe build`", recipes.recipe_run_json(each)
    yield "`navigator recipe compare`", spaces.comparison_json(compared)
    made = Exchange("switch", recipe, recipe, "me@here", "why", compared.figures())
    for told in (made, replace(made, comparison=None)):
        done = Exchanged(told, 1, 0)
        yield "`navigator recipe switch`, `recipe rollback`", recipes.exchange_json(done)
    yield "`navigator recipe drop`", {"sizes": "400/50", "documents": 1}
