"""One pass over the words of a text that finds every phrase of a taxonomy.

Phrases become one trie over words. The trie is walked by an automaton whose states are made when a
text first needs them, as RE2 does (R. Cox, "Regular Expression Matching in the Wild", 2010): a
state is the set of phrases that are open, with the words each has taken so far. So a known state
costs one look-up for a word, however many phrases there are; and an unknown one costs at most the
phrases that can be open at once, whose number the longest phrase bounds. Nothing goes back.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from services.classifier.entries import CueRule, Rule
from services.classifier.phrases import ANY, stem, variants
from services.classifier.tokens import normal, visible

MOST_WORDS = 100_000
"""Spellings that are remembered; beyond it the memory is cleared and fills anew."""
ALPHA = "\u03b1\u0251"
"""What stands for "anti" before a target: "\u03b1CD19" holds the word "CD19"."""
STEMS = (1, 2, 3)
"""Letters by which stems are looked up: the first three, or as many as the stem has."""
LONGEST_WORD = 60
"""Characters of a spelling that is remembered."""
MOST_STEPS = 200_000
"""Steps between states that are remembered."""

Hit = tuple[Rule, int, int]
"""A phrase of a label, its first word, and the word after its last."""
CueHit = tuple[CueRule, int, int]
"""The same of a cue."""
_Ends = tuple[tuple[Rule | CueRule, int], ...]
_Open = tuple[tuple["_Node", int], ...]


@dataclass(slots=True, eq=False)
class _Node:
    after: "dict[str, _Node]" = field(default_factory=dict)
    ends: list[Rule | CueRule] = field(default_factory=list)


class _State:
    """Open phrases: the node that each has reached, and how many words it has taken.

    `hits` and `cues` are the rules whose phrases end here, each with the words that it has.
    `after` is, by kind of word, the state that it leads to, as far as a text has asked for it; None
    where no phrase is open. What is asked for at every word is here and not behind another object:
    most of the time goes into fetching from memory.
    """

    __slots__ = ("after", "cues", "ending", "hits", "open")

    def __init__(self, still: _Open = (), ends: _Ends = ()) -> None:
        self.after: dict[_Kind, _State] | None = {} if still else None
        self.ending = bool(ends)
        self.open = still
        self.hits: tuple[tuple[Rule, int], ...] = ()
        self.cues: tuple[tuple[CueRule, int], ...] = ()
        if ends:
            self.hits = tuple([(rule, size) for rule, size in ends if isinstance(rule, Rule)])
            self.cues = tuple([(rule, size) for rule, size in ends if isinstance(rule, CueRule)])


class _Kind:
    """A kind of word: words of one kind are the same to every phrase.

    `alone` is the state that it leads to where no phrase is open.
    """

    __slots__ = ("alone", "begun", "symbols")

    def __init__(self, symbols: tuple[str, ...], begun: _Open, alone: _State) -> None:
        self.symbols, self.begun, self.alone = symbols, begun, alone


class _Kinds(dict[str, _Kind]):
    """By spelling, the kind of a word, found out when it is first asked for."""

    __slots__ = ("learn",)

    def __init__(self, learn: Callable[[str], _Kind]) -> None:
        super().__init__()
        self.learn = learn

    def __missing__(self, raw: str) -> _Kind:
        return self.learn(raw)


class Finder:
    """The phrases of all rules at once."""

    def __init__(self, rules: Iterable[Rule | CueRule]) -> None:
        self._root = _Node()
        self._stems: dict[str, list[str]] = {}
        self._known: set[str] = set()
        for rule in rules:
            for row in variants(rule.phrase):
                self._add(row, rule)
        self._longest = max(
            (len(one) for group in self._stems.values() for one in group), default=0
        )
        self._kinds = _Kinds(self._learn)
        self._forget()

    def _add(self, row: tuple[str, ...], rule: Rule | CueRule) -> None:
        node = self._root
        for symbol in row:
            if symbol.endswith("*") and symbol not in self._known:
                self._stems.setdefault(symbol[: min(STEMS[-1], len(symbol) - 1)], []).append(
                    symbol[:-1]
                )
            self._known.add(symbol)
            node = node.after.setdefault(symbol, _Node())
        node.ends.append(rule)

    def find(self, text: Sequence[str]) -> tuple[list[Hit], list[CueHit]]:
        """Every phrase of a label, and every cue, in the order of the words that end them."""
        hits: list[Hit] = []
        cues: list[CueHit] = []
        state = self._start
        for place, kind in enumerate(map(self._kinds.__getitem__, text), 1):
            after = state.after
            if after is None:
                state = kind.alone
            else:
                state = after.get(kind) or self._step(after, state.open, kind)
            if state.ending:
                for rule, size in state.hits:
                    hits.append((rule, place - size, place))
                for cue, size in state.cues:
                    cues.append((cue, place - size, place))
        return hits, cues

    def carries(self, word: str) -> bool:
        """Whether a word of a text carries a label alone."""
        return bool([1 for rule, _ in self._kinds[word].alone.hits if rule.kind != "not"])

    def _learn(self, raw: str) -> _Kind:
        if len(self._kinds) >= MOST_WORDS:
            self._kinds.clear()
        kind = self._kind(self._symbols_of(raw))
        if len(raw) <= LONGEST_WORD:
            self._kinds[raw] = kind
        return kind

    def _kind(self, symbols: tuple[str, ...]) -> _Kind:
        kind = self._known_kinds.get(symbols)
        if kind is None:
            begins = self._root.after
            begun = tuple([(begins[one], 1) for one in symbols if one in begins])
            kind = self._known_kinds[symbols] = _Kind(symbols, begun, self._reached(begun))
        return kind

    def _symbols_of(self, raw: str) -> tuple[str, ...]:
        plain, exact = normal(raw), "=" + visible(raw)
        symbols = [symbol for symbol in (plain, exact) if symbol in self._known]
        if raw[0] in ALPHA and len(raw) > 2 and raw[1].isupper():
            symbols += [one for one in self._symbols_of(raw[1:]) if one not in symbols]
        whole = stem(raw[: self._longest + 8])
        for size in STEMS[: len(whole)]:
            near = self._stems.get(whole[:size], ())
            symbols += [one + "*" for one in near if whole.startswith(one)]
        return tuple(symbols)

    def _step(self, known: dict[_Kind, _State], still: _Open, kind: _Kind) -> _State:
        """What a word of some kind makes of open phrases; remembered in `known`."""
        if self._size >= MOST_STEPS:
            self._forget()
        moved: list[tuple[_Node, int]] = []
        for node, size in still:
            after = node.after
            moved += [(after[one], size + 1) for one in kind.symbols if one in after]
            if ANY in after:
                moved.append((after[ANY], size + 1))
        # Where no open phrase goes on, what follows is as if none had been open.
        state = self._reached((*kind.begun, *moved)) if moved else kind.alone
        known[kind] = state
        self._size += 1
        return state

    def _reached(self, moved: _Open) -> _State:
        still = tuple([one for one in moved if one[0].after])
        ends = tuple([(rule, size) for node, size in moved for rule in node.ends])
        state = self._states.get((still, ends))
        if state is None:
            state = self._states[still, ends] = _State(still, ends)
        return state

    def _forget(self) -> None:
        """Forget all states, and the kinds of words, which lead to some of them."""
        self._start = _State()
        self._states: dict[tuple[_Open, _Ends], _State] = {((), ()): self._start}
        self._known_kinds: dict[tuple[str, ...], _Kind] = {}
        self._kinds.clear()
        self._size = 0
