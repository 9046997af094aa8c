"""A language model as a judge: asks by templates, reads verdicts, keeps failures typed."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from harness.feedback.contract import Prefetches, RunContext, Shown
from harness.feedback.criteria import combine, weighable
from harness.feedback.judge import JudgeSource
from harness.feedback.requests import as_first_asked
from harness.judging import soft, verdicts
from harness.judging.answer_form import WORDS, Asking, most_tokens, response_format
from harness.judging.options import JudgeOptions
from harness.judging.presentation import LETTERS, letters_of
from harness.judging.templates import TEMPLATES, Template, messages_for
from harness.nouns.chat_messages import ChatReply, ChatRequest
from harness.nouns.errors import ChatError, ConfigError
from harness.nouns.hashing import content_hash
from harness.nouns.outcomes import Status
from harness.nouns.rubric import AS_IT_IS, Criterion, Example, Judging
from harness.nouns.scale import UNIT, Scale
from harness.nouns.schema import Judgment, JudgmentRequest, SourceInfo, Verdict, Way
from harness.ratings.both_orders import MARGIN, at_temperature

LOCAL = "local/"


@dataclass(frozen=True, slots=True)
class Member:
    """One voice of a judge: a model with a template, and the index of its sample."""

    model: str
    template: Template
    sample: int


@dataclass(frozen=True, slots=True)
class Policy:
    """What a judge judges by.

    Args:
        criteria: Of a rubric; empty to follow each request's own criterion.
        together: Whether several criteria are weighed in one call, else each has its own.
        examples: Worked examples.
        guidance: Called with (request, repeat, seed); returns further words, such as a principle.
        sha256: Hash of the rubric or constitution.
        name: Of the rubric or constitution.
        judging: How a rubric that was aligned with people is to be judged by.
    """

    criteria: tuple[Criterion, ...] = ()
    together: bool = True
    examples: tuple[Example, ...] = ()
    guidance: Callable[[JudgmentRequest, int, int], str] | None = None
    sha256: str = ""
    name: str = ""
    judging: Judging = AS_IT_IS


@dataclass(frozen=True, slots=True)
class ModelJudge:
    """Turns requests into calls and replies into verdicts; ``source`` makes it a feedback source.

    Args:
        options: How it judges.
        policy: What it judges by.
    """

    options: JudgeOptions
    policy: Policy
    members: tuple[Member, ...] = field(init=False)

    def __post_init__(self) -> None:
        """List the members of the jury, models first, so that each sample has its place."""
        options = self.options
        members = tuple(
            Member(model, template, sample)
            for sample in range(options.samples)
            for model in options.models
            for template in self._templates(model)
        )
        object.__setattr__(self, "members", members)

    def _templates(self, model: str) -> list[Template]:
        brief = model.startswith(LOCAL) and not self.options.chain_of_thought
        default = "brief" if brief else "standard"
        own = self.policy.judging.templates
        for name in own:
            if name not in TEMPLATES:
                raise ConfigError(
                    f"rubric {self.policy.name} is judged by the template {name!r}, which is none",
                    hint=f"known: {', '.join(TEMPLATES)}",
                )
        if self.options.chain_of_thought:  # those that ask for nothing but the verdict do not fit
            own = tuple(name for name in own if not TEMPLATES[name].plain)
        return [TEMPLATES[name] for name in self.options.templates or own or [default]]

    def version(self, base: str) -> str:
        """Return the version of the source: it moves with words, parser, options and rubric.

        Rubric and constitution count by what they say, not by the path of their file.
        """
        words = [member.template.sha256 for member in self.members]
        options = self.options.model_dump(exclude={"mode", "rubric", "constitution"})
        parts = [base, verdicts.VERSION, words, options, self.policy.sha256]
        criteria = [[c.id, c.text, c.weight, c.scale.describe()] for c in self.policy.criteria]
        return f"{base}+{content_hash([parts, criteria, self.policy.together])[:12]}"

    def scale(self) -> Scale | None:
        """Return the scale of pointwise values: of the one criterion, or 0 to 1 for several."""
        criteria = self.policy.criteria
        return UNIT if len(criteria) > 1 else criteria[0].scale if criteria else None

    def source(self, name: str, version: str, takes: tuple[Way, ...]) -> ModelJudgeSource:
        """Return the feedback source: its name inside the experiment, its plugin's version."""
        info = SourceInfo(
            name,
            self.version(version),
            "judge",
            scale=self.scale(),
            deterministic=False,
            takes=takes,
            models=self.options.models,
        )
        return ModelJudgeSource(
            info,
            self.ask,
            annotators=tuple(member.model for member in self.members),
            repeats=len(self.members),
            both_orders=self.options.both_orders,
            extra=self.options.extra,
            metadata={
                "rubric": self.policy.name,
                "rubric_sha256": self.policy.sha256,
                "templates": sorted({member.template.name for member in self.members}),
                "template_sha256": sorted({member.template.sha256 for member in self.members}),
                **({MARGIN: margin} if (margin := self.policy.judging.tie_margin) else {}),
            },
            judge=self,
        )

    async def ask(self, request: JudgmentRequest, ctx: RunContext, repeat: int) -> Verdict:
        """Judge a request as it is to be shown."""
        member = self.members[repeat]
        shown = self.shown(request, ctx.seed, repeat)
        askings = self.askings(request, ctx.seed, repeat)
        found = []
        for asking in askings:
            verdict = await self._one(shown, asking, member, ctx)
            if verdict.status is not Status.OK:
                return verdict  # a score without one of its parts would be another score
            found.append(verdict)
        if len(askings) > 1:
            verdict = combine(found, self.policy.criteria, request.way)
        if request.way == "listwise":
            assert isinstance(verdict.value, tuple)
            named = dict(zip(LETTERS, shown.responses, strict=False))
            verdict = replace(verdict, value=tuple(named[letter].id for letter in verdict.value))
        verdict = self._at_temperature(verdict, request.way)
        if guidance := askings[0].guidance:
            verdict = replace(verdict, rationale=f"{guidance}\n\n{verdict.rationale}".strip())
        return verdict

    def _at_temperature(self, verdict: Verdict, way: Way) -> Verdict:
        """Return a pair's verdict with the probability that people's labels make of the stated."""
        temperature, stated = self.policy.judging.probability_temperature, verdict.probability
        if temperature is None or stated is None or way != "pairwise":
            return verdict
        return replace(verdict, probability=at_temperature(stated, temperature))

    def shown(self, request: JudgmentRequest, seed: int, repeat: int) -> JudgmentRequest:
        """Return the request with a list in a seeded order; pairs come in the adapter's order.

        A list that is asked in the reversed order, too, is shown in the reverse of that.
        """
        if request.way != "listwise":
            return request
        import random

        first = as_first_asked(request)
        digest = hashlib.sha256(f"{seed}\0{first.id}\0{repeat}".encode()).digest()
        shuffled = list(first.responses)
        random.Random(digest).shuffle(shuffled)
        return replace(request, responses=tuple(shuffled[:: 1 if first is request else -1]))

    def askings(self, request: JudgmentRequest, seed: int, repeat: int) -> list[Asking]:
        """Return how a request is asked about: all criteria in one call, or each in its own.

        Log-probabilities are those of one answer, so that a single response is then asked about
        by one criterion after the other.
        """
        options, policy, member = self.options, self.policy, self.members[repeat]
        thought = options.chain_of_thought
        criteria = policy.criteria or (request.criterion,)
        asking = Asking(
            criteria,
            reasoning="steps" if thought == "steps" else "brief" if thought else "none",
            reference_guided=options.reference,
            examples=policy.examples if options.few_shot else (),
            # A model in this process knows no schemas: it is asked in words.
            structured=options.structured and not member.model.startswith(LOCAL),
            guidance=policy.guidance(as_first_asked(request), repeat, seed)
            if policy.guidance
            else "",
        )
        together = policy.together and not (
            request.way == "pointwise" and self.is_soft(member, request.way, criteria)
        )
        if together or len(criteria) == 1:
            return [asking]
        return [replace(asking, criteria=(c,), examples=_on(asking.examples, c)) for c in criteria]

    def is_soft(self, member: Member, way: Way, criteria: Sequence[Criterion]) -> bool:
        """Tell whether a member's verdict comes from log-probabilities."""
        options = self.options
        if way == "listwise" or options.soft is False:
            return False
        if options.soft:
            return True
        quick = member.model.startswith(LOCAL) and not options.chain_of_thought
        return quick and (way == "pairwise" or all(_answers_on(c.scale) for c in criteria))

    def refuse(self, requests: Sequence[JudgmentRequest]) -> None:
        """Refuse what cannot be asked, before anything is paid for.

        Raises:
            ConfigError: See above.
        """
        for request in requests:
            if request.way != "pointwise":
                continue
            criteria = self.policy.criteria or (request.criterion,)
            for criterion in criteria:
                if self.options.soft:
                    choices_for((criterion,), request.way)
                if len(criteria) > 1:
                    weighable(criterion)

    def first_call(self, request: JudgmentRequest, asking: Asking, member: Member) -> ChatRequest:
        """Return the call that a presentation begins with; in most cases the only one."""
        options, way = self.options, request.way
        reasons = asking.reasoning != "none"
        local, plain = member.model.startswith(LOCAL), member.template.plain
        messages = messages_for(member.template, request, asking)
        choices: tuple[str, ...] = ()
        if self.is_soft(member, way, asking.criteria) and not (local and reasons):
            choices = choices_for(asking.criteria, way, ties=not local and not plain)
            if local and not plain:  # what can be answered comes after the word for it
                messages.append({"role": "assistant", "content": f"{WORDS[way]}:"})
        temperature = options.temperature
        if temperature is None:
            temperature = 0.0 if options.samples == 1 else 1.0
        count = len(request.responses)
        most = 1 if choices and local else most_tokens(asking, way, count, plain)
        return ChatRequest(
            model=member.model,
            messages=tuple(messages),
            temperature=temperature,
            max_tokens=options.max_tokens or most,
            seed=options.seed,
            choices=choices,
            response_format=response_format(asking, way, count) if asking.structured else None,
            extra=options.extra,
            repeat=member.sample,
            template_sha256=member.template.sha256,
        )

    async def _one(
        self, request: JudgmentRequest, asking: Asking, member: Member, ctx: RunContext
    ) -> Verdict:
        call = self.first_call(request, asking, member)
        try:
            reply = await ctx.chat.complete(call)
        except ChatError as error:
            if call.response_format is None or "response_format" not in error.reason:
                raise
            # The provider knows no schemas: ask in words, and let the parser read them.
            asking = replace(asking, structured=False)
            call = self.first_call(request, asking, member)
            reply = await ctx.chat.complete(call)
        if self.is_soft(member, request.way, asking.criteria) and not call.choices:
            # A local model goes on from its own reasons to the verdict, and its answers are scored.
            word = f"{WORDS[request.way]}:"
            reasons = reply.text.rpartition(word)[0] or reply.text
            prefix = {"role": "assistant", "content": f"{reasons.rstrip()}\n\n{word}"}
            call = replace(call, choices=choices_for(asking.criteria, request.way))
            second = replace(call, messages=(*call.messages, prefix), max_tokens=1)
            reply = await ctx.chat.complete(second)
        return read(reply, call, asking.criteria, request)


def choices_for(criteria: Sequence[Criterion], way: Way, ties: bool = False) -> tuple[str, ...]:
    """Return the answers whose log-probabilities make a soft verdict.

    Raises:
        ConfigError: The scale has no short list of answers.
    """
    if way == "pairwise":
        return ("A", "B", "TIE") if ties else ("A", "B")
    scale = criteria[0].scale
    if found := _answers_on(scale):
        return found
    raise ConfigError(
        f"soft: the scale of {criteria[0].id!r}, {scale.describe()}, has no short list of answers",
        hint="use labels or whole numbers from 0 to 9, or soft: false",
    )


def _answers_on(scale: Scale) -> tuple[str, ...]:
    """Return the answers on a scale where they are few; else nothing."""
    if scale.labels:
        return scale.labels
    low, high = scale.low, scale.high
    few = low is not None and high is not None and low == int(low) and 0 <= low < high <= 9
    # On 0 to 1, what stands between the two is an answer, too.
    if not few or (low, high) == (0, 1):
        return ()
    assert low is not None and high is not None
    return tuple(str(value) for value in range(int(low), int(high) + 1))


def _on(examples: Sequence[Example], criterion: Criterion) -> tuple[Example, ...]:
    found = (example.on(criterion.id) for example in examples)
    return tuple(example for example in found if example is not None)


def read(
    reply: ChatReply, call: ChatRequest, criteria: Sequence[Criterion], request: JudgmentRequest
) -> Verdict:
    """Return the verdict that a reply holds; pure, so recorded replies can be read again."""
    way = request.way
    # What it was shown as its own earlier answers is nobody's to quote.
    shown = [message["content"] for message in call.messages if message["role"] != "assistant"]
    prompt = "\n".join(shown)
    cut = reply.cut and reply.text.strip() not in call.choices
    scale = criteria[0].scale

    def words(text: str) -> Verdict:
        if way == "pairwise":
            return verdicts.read_pair(text, prompt, cut)
        if way == "listwise":
            return verdicts.read_ranking(text, letters_of(request.responses), prompt, cut)
        if len(criteria) > 1:
            return verdicts.read_scores(text, criteria, prompt, cut)
        return verdicts.read_score(text, scale, prompt, cut)

    def likely(logprobs: Mapping[str, float]) -> Verdict:
        if way == "pairwise":
            return soft.pair_from_logprobs(logprobs)
        if not scale.is_numeric:
            return soft.score_from_logprobs(logprobs, scale)
        value = soft.expected_value(logprobs, call.choices)
        return Verdict(Status.OK, value, rationale="expectation over log-probabilities")

    if call.choices:
        verdict = soft.verdict_of(reply, call.choices, words, likely)
    else:
        verdict = words(reply.text)
    if verdict.status is Status.OK and not verdict.rationale:
        verdict = replace(verdict, rationale=verdicts.rationale_of(reply.text))
    return verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelJudgeSource(JudgeSource):
    """A judge source that knows its calls beforehand, for estimates and batches."""

    judge: ModelJudge

    def planned(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext, skip: Shown = frozenset()
    ) -> Iterator[ChatRequest]:
        """Yield the calls that judging some requests begins with."""
        judge = self.judge
        judge.refuse(requests)
        for request, _, repeat in self.shown(requests, ctx.seed, skip):
            shown = judge.shown(request, ctx.seed, repeat)
            for asking in judge.askings(request, ctx.seed, repeat):
                yield judge.first_call(shown, asking, judge.members[repeat])

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext, skip: Shown = frozenset()
    ) -> AsyncGenerator[Judgment, None]:
        """Yield judgments; in batch mode from replies that a batch has fetched before."""
        chat = ctx.chat
        self.judge.refuse(requests)
        if self.judge.options.mode == "batch" and isinstance(chat, Prefetches):
            await chat.prefetch(self.planned(requests, ctx, skip))
        async with aclosing(JudgeSource.annotate(self, requests, ctx, skip)) as judgments:
            async for judgment in judgments:
                yield judgment
