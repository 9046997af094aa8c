"""A judge that does exactly what its prompt says, and whose server ends it at ``max_tokens``.

It knows what the material is worth (that is what a model is for) and nothing of the harness: which
criteria, scales and responses there are, and what an answer looks like, it reads from the prompt.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.nouns.chat_messages import ChatReply, ChatRequest
from harness.testing import StubServer

Worth = Mapping[str, Mapping[str, float]]
"""What each response is worth, from 0 to 1, by each criterion: criterion's text, response's."""

REASONS = "What was asked, and what the material does about it, was held side by side. " * 24
_PIECE = re.compile(r" ?[A-Za-z]{1,4}|\d|\s+|[^\s]")
_BLOCK = re.compile(r"<response(?: ([A-Z]))?>\n(.*?)\n</response", re.DOTALL)
_PLAIN = re.compile(r"^Response(?: ([A-Z]))?: (.*)$", re.MULTILINE)
_SCALE = re.compile(
    r"one of (?P<labels>.+?)(?:, from worst to best)?(?=[.\n]|\Z)|(?P<binary>true or false)"
    r"|a number from (?P<low>\S+) \(worst\) to (?P<high>\S+) \(best\)"
)
_NAME = re.compile(r"(?:- )?(\w+)(?: \(\d+%\))?: $")
_THINKS = ("Explain first", "Work in steps", "Give your reasons", "First list the requirements")
_FORMS = {
    "pairwise": r"Verdict: (?:A|B|TIE)",
    "pointwise": r"Rating: .+",
    "listwise": r"Ranking: [A-Z](?: > [A-Z])+",
}


def pieces(text: str) -> list[str]:
    """Return the tokens of a text, more of them than any tokenizer makes."""
    return _PIECE.findall(text)


class Obedient:
    """Answers chats.

    Args:
        worth: What it thinks.
        pretty: Whether JSON comes with line breaks in a fence, as some providers send it.
    """

    def __init__(self, worth: Worth, pretty: bool = True) -> None:
        self.worth = worth
        self.pretty = pretty
        self.complaints: set[str] = set()

    def answer(self, messages: Sequence[Mapping[str, str]], shape: Any = None) -> str:
        """Return the answer to a chat, in the form that it asks for."""
        *earlier, last = [m for m in messages if m["role"] != "system"]
        begun = last["content"] if last["role"] == "assistant" else ""
        if begun:
            *earlier, last = earlier
        system = messages[0]["content"] if messages[0]["role"] == "system" else ""
        asked = _Asked(system, last["content"], self.worth)
        for question, said in zip(earlier[::2], earlier[1::2], strict=True):
            shown = _Asked(system, question["content"], self.worth)
            if shown.way != asked.way:
                self.complaints.add(f"a {shown.way} example among {asked.way} questions")
            if not asked.fits(said["content"], shape):
                self.complaints.add(f"an example answers {said['content']!r}: {asked.way}")
        if shape is not None and "JSON" not in last["content"] + system:
            self.complaints.add("a schema, and no word of JSON")
        text = asked.in_json(shape, self.pretty) if shape is not None else asked.in_words()
        if begun:
            word = begun.rsplit("\n", 1)[-1]
            if word not in text:
                self.complaints.add(f"begun with {word!r}, which is not what was asked for")
            return text.rpartition(word)[2]
        return text


class _Asked:
    def __init__(self, system: str, body: str, worth: Worth) -> None:
        self.system, self.body = system, body
        found = _BLOCK.findall(body) or _PLAIN.findall(body)
        self.responses = {name or "A": text for name, text in found}
        count = len(self.responses)
        self.way = "pointwise" if count == 1 else "pairwise" if count == 2 else "listwise"
        rest = _PLAIN.sub("", _BLOCK.sub("", body))
        places = sorted((rest.find(text), text) for text in worth if text in rest)
        self.worth = {text: worth[text] for _, text in places}
        starts = [place for place, _ in places]
        ends = [*starts[1:], len(rest)]
        scales = [_SCALE.search(rest, a, b) for a, b in zip(starts, ends, strict=True)]
        self.scales = {
            text: scale or _SCALE.search(rest)
            for (_, text), scale in zip(places, scales, strict=True)
        }
        names = [_NAME.search(rest[:place]) for place in starts]
        self.names = {text: n[1] for (_, text), n in zip(places, names, strict=True) if n}
        self.rest = rest

    @property
    def by_lines(self) -> bool:
        return "one line for each" in self.rest

    def fits(self, said: str, shape: Any) -> bool:
        """Tell whether an example's answer has the form that is asked for."""
        if shape is not None:
            fields = shape["json_schema"]["schema"]["properties"]
            try:
                return set(json.loads(said)) == set(fields)
            except ValueError:
                return False
        thinks = any(words in self.rest for words in _THINKS)
        lines = said.split("\n")
        if self.by_lines:
            wanted = [rf"{self.names[text]}: .+" for text in self.worth]
        elif '"Verdict' in self.rest or '"Rating' in self.rest or '"Ranking' in self.rest:
            wanted = [_FORMS[self.way]]
        else:
            wanted = [_FORMS[self.way].split(": ")[1]]
        own = lines[-len(wanted) :]
        right = all(re.fullmatch(w, line) for w, line in zip(wanted, own, strict=True))
        return right and (len(lines) > len(wanted)) == thinks

    def in_words(self) -> str:
        if self.by_lines:
            rows = [f"{self.names[text]}: {self.value(text)}" for text in self.worth]
            answer = "\n".join(rows)
        elif '"Verdict: A"' in self.rest:
            answer = f"Verdict: {self.better(ties='TIE' in self.rest)}"
        elif '"Rating: ' in self.rest:
            answer = f"Rating: {self.value(next(iter(self.worth)))}"
        elif '"Ranking: ' in self.rest:
            answer = f"Ranking: {' > '.join(self.ranked())}"
        elif "only the letter A or B" in self.system:
            answer = self.better(ties=False)
        elif "only a value of the scale" in self.system:
            answer = str(self.value(next(iter(self.worth))))
        elif "only the letters, best first" in self.system:
            answer = " > ".join(self.ranked())
        else:
            return "What is it that I am to answer with?"
        if any(words in self.rest for words in _THINKS):
            return f"{REASONS}\n\n{answer}"
        return answer

    def in_json(self, shape: Any, pretty: bool) -> str:
        fields = shape["json_schema"]["schema"]["properties"]
        values: dict[str, Any] = {}
        for name, kind in fields.items():
            text = next((t for t, own in self.names.items() if own == name), None)
            if name == "verdict":
                values[name] = self.better(ties="TIE" in kind["enum"])
            elif name == "ranking":
                values[name] = self.ranked()
            elif text is None and name != "rating":
                values[name] = REASONS
            else:
                u = self.of(text or next(iter(self.worth)))
                labels = kind.get("enum")
                if kind["type"] == "boolean":
                    values[name] = u >= 0.5
                elif labels:
                    values[name] = labels[round(u * (len(labels) - 1))]
                else:
                    values[name] = kind["minimum"] + u * (kind["maximum"] - kind["minimum"])
        if not pretty:
            return json.dumps(values)
        return f"```json\n{json.dumps(values, indent=4)}\n```"

    def of(self, text: str, letter: str = "A") -> float:
        return self.worth[text][self.responses[letter]]

    def value(self, text: str) -> str:
        scale, u = self.scales[text], self.of(text)
        if scale is None:
            return "which scale?"
        if scale["binary"]:
            return "true" if u >= 0.5 else "false"
        if scale["labels"]:
            labels = scale["labels"].split(", ")
            return labels[round(u * (len(labels) - 1))]
        low, high = float(scale["low"]), float(scale["high"])
        return f"{low + u * (high - low):g}"

    def total(self, letter: str) -> float:
        return math.fsum(self.of(text, letter) for text in self.worth)

    def better(self, ties: bool) -> str:
        a, b = self.total("A"), self.total("B")
        if ties and math.isclose(a, b):
            return "TIE"
        return "A" if a >= b else "B"

    def ranked(self) -> list[str]:
        return sorted(self.responses, key=lambda letter: (-self.total(letter), letter))


class ObedientServer(StubServer):
    """Serves an obedient judge, and ends every answer at ``max_tokens``."""

    def __init__(self, judge: Obedient) -> None:
        super().__init__()
        self.judge = judge

    def _completion(self, outcome: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = super()._completion(outcome, body)
        tokens = pieces(self.judge.answer(body["messages"], body.get("response_format")))
        limit = body.get("max_tokens") or body["max_completion_tokens"]
        choice: dict[str, Any] = {
            "index": 0,
            "finish_reason": "length" if len(tokens) > limit else "stop",
            "message": {"role": "assistant", "content": "".join(tokens[:limit])},
        }
        if body.get("logprobs"):
            steps = [_step(token) for token in tokens[:limit]]
            choice["logprobs"] = {"content": steps}
        return answer | {"choices": [choice]}


def _step(token: str) -> dict[str, Any]:
    """Return a token with what the model could have said in its place."""
    others = (" A", " B", " 1", " 3", " 5", " true", " fals", " poor", " very", " good", "A", "5")
    top = {token: -0.1} | {other: -6.0 for other in others if other != token}
    entries = [{"token": t, "logprob": p, "bytes": list(t.encode())} for t, p in top.items()]
    return {**entries[0], "top_logprobs": entries}


class ObedientLocal:
    """Answers as the model in this process does: scores what can be answered, or goes on."""

    def __init__(self, judge: Obedient) -> None:
        self.judge = judge

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer a request."""
        if request.response_format is not None:
            self.judge.complaints.add("a schema for a model that knows none")
        text = self.judge.answer(request.messages)
        if not request.choices:
            tokens = pieces(text)
            cut = len(tokens) > request.max_tokens
            said = "".join(tokens[: request.max_tokens])
            return ChatReply(said, finish_reason="length" if cut else "stop")
        chosen = [c for c in request.choices if text.strip() == c]
        if not chosen:
            self.judge.complaints.add(f"{text.strip()[:40]!r} is none of {request.choices}")
            chosen = [request.choices[0]]
        chances = {c: -0.1 if c == chosen[0] else -6.0 for c in request.choices}
        return ChatReply(chosen[0], choice_logprobs=chances)

    def check(self, model: str, extra: Mapping[str, Any] | None = None) -> None:
        """Take every model."""
