"""Candidates for a judge that agrees better with people: wordings, templates, worked examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from harness.experiment.sources import NamedSource, source_by_name
from harness.judging.presentation import shown_prompt
from harness.judging.templates import TEMPLATES
from harness.nouns.errors import ConfigError
from harness.nouns.hashing import content_hash
from harness.nouns.nearest import did_you_mean
from harness.nouns.rubric import Constitution, Example, Rubric, load_rubric, rubric_content
from harness.nouns.schema import JudgmentRequest
from harness.records.writes import write_text
from harness.registry import find_rubric

NOW = "as it is"
"""The name of the judge as the options have it."""

LONGEST_EXAMPLE = 4000
"""Characters of a pair that may become a worked example: it stands in every prompt."""


@dataclass(frozen=True)
class Candidates:
    """A judge, and others that differ from it in what a rubric file can say.

    Args:
        use: The plugin's source.
        options: Of the judge as it is.
        folder: Where the rubric files of the candidates are written.
    """

    use: str
    options: Mapping[str, Any]
    folder: Path

    @property
    def rubric(self) -> Rubric:
        """The rubric of the judge as it is.

        Raises:
            ConfigError: It follows none.
        """
        named = self.options.get("rubric", "helpfulness")
        if not isinstance(named, str):
            raise ConfigError(
                "a judge without a rubric cannot be aligned", hint="--option rubric=ID or FILE"
            )
        return rubric_of(named)

    @property
    def templates(self) -> tuple[str, ...]:
        """The templates that the options name."""
        named = self.options.get("templates") or ()
        return tuple(named) if isinstance(named, list | tuple) else (str(named),)

    def now(self) -> NamedSource:
        """Return the judge as it is."""
        return source_by_name(self.use, self.options, "pairwise", NOW)

    def source(self, name: str, rubric: Rubric) -> NamedSource:
        """Return the judge by another rubric, whose file is written first."""
        options = {key: value for key, value in self.options.items() if key != "templates"}
        return source_by_name(
            self.use, {**options, "rubric": str(self.file(rubric))}, "pairwise", name
        )

    def file(self, rubric: Rubric) -> Path:
        """Return the file of a rubric, named by its content."""
        path = self.folder / f"{content_hash(rubric_content(rubric))[:12]}.yaml"
        if not path.is_file():
            write_rubric(path, rubric)
        return path

    def variants(
        self, rubrics: Iterable[str], templates: Sequence[str]
    ) -> Iterator[tuple[str, Rubric]]:
        """Yield name and rubric of each other wording and template.

        Raises:
            ConfigError: There is no such template.
        """
        for name in templates:
            if name not in TEMPLATES:
                near = did_you_mean(name, TEMPLATES, " (", ")")
                raise ConfigError(f"--template {name!r} is none of {', '.join(TEMPLATES)}{near}")
        mine, given = self.rubric, list(dict.fromkeys(map(str, rubrics)))
        wordings = {"": mine} | {one: rubric_of(one) for one in given}
        stems = Counter(Path(one).stem for one in given)
        for wording, rubric in wordings.items():
            usual = self.templates or rubric.judging.templates
            for way in (usual, *((name,) for name in templates)):
                if wording or way != (self.templates or mine.judging.templates):
                    name = Path(wording).stem
                    name = wording if stems[name] > 1 else name or mine.id
                    yield (
                        f"{name}{f' / {way[0]}' if way != usual else ''}",
                        replace(rubric, judging=replace(rubric.judging, templates=way)),
                    )

    def without_examples(self, rubric: Rubric) -> str:
        """Return why a rubric gets no worked examples from labels; empty where it does."""
        if self.options.get("few_shot") is False:
            return "few_shot is off"
        if self.options.get("chain_of_thought"):
            return "examples of people have no reasons, which this judge is asked for"
        if self.options.get("criteria") == "one_by_one" and len(rubric.criteria) > 1:
            return "people's labels are no verdicts on single criteria"
        if self.options.get("criterion") and len(rubric.criteria) > 1:
            return "people's labels are no verdicts on one criterion"
        return ""


def rubric_of(name: str) -> Rubric:
    """Return a rubric by its id or file.

    Raises:
        RubricError: There is none.
        ConfigError: It is a constitution.
    """
    found = find_rubric(name, "rubric")
    if isinstance(found, Constitution):
        raise ConfigError(f"{name} is a constitution, not a rubric")
    return found


def write_rubric(path: Path, rubric: Rubric) -> Rubric:
    """Write a rubric as a file, and return it as the file has it."""
    import yaml

    content = rubric_content(rubric)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=96)
    if yaml.safe_load(text) != yaml.safe_load(yaml.safe_dump(content)):
        text = yaml.safe_dump(content, sort_keys=False, width=96)  # U+0085 and its kin, escaped
    write_text(path, text)
    found = load_rubric(path)
    assert isinstance(found, Rubric)
    return found


def with_examples(rubric: Rubric, pairs: Sequence[tuple[JudgmentRequest, str]]) -> Rubric:
    """Return a rubric whose worked pairs are some that people labelled; other kinds stay."""
    mine = [
        Example(shown_prompt(pair.item), tuple(one.text for one in pair.responses), label)
        for pair, label in pairs
    ]
    kept = [one for one in rubric.examples if len(one.responses) != 2]
    return replace(rubric, examples=(*mine, *kept))


def worth_showing(
    pairs: Sequence[tuple[JudgmentRequest, str]], most: int
) -> list[tuple[JudgmentRequest, str]]:
    """Return the pairs to show as examples: short ones, of each verdict in turn, one of a prompt.

    Args:
        pairs: Those on which the judge says something else than people, with the people's label.
        most: How many.
    """
    found: dict[str, list[tuple[JudgmentRequest, str]]] = {"A": [], "B": [], "TIE": []}
    prompts: set[str] = set()
    for pair, label in sorted(pairs, key=lambda one: (_length(one[0]), one[0].id)):
        prompt = prompt_of(pair)
        if _length(pair) <= LONGEST_EXAMPLE and prompt not in prompts:
            prompts.add(prompt)
            found[label].append((pair, label))
    turns = zip_longest(*found.values())
    return [one for turn in turns for one in turn if one is not None][:most]


def _length(pair: JudgmentRequest) -> int:
    return len(shown_prompt(pair.item)) + sum(len(one.text) for one in pair.responses)


def prompt_of(pair: JudgmentRequest) -> str:
    """Return the name of the prompt (cluster) of a pair."""
    return str(pair.item.metadata.get("cluster", pair.item.id))
