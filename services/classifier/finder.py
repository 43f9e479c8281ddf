"""One pass over the words of a text that finds every phrase of a taxonomy.

Phrases become one trie over words. The trie is walked by an automaton whose states are made when a
text first needs them, as RE2 does (R. Cox, "Regular Expression Matching in the Wild", 2010): a
state is the set of phrases that are open, with the words each has taken so far. So a known state
costs one look-up for a word, however many phrases there are; and an unknown one costs at most the
phrases that can be open at once, whose number the longest phrase bounds. Nothing goes back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

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


@dataclass(slots=True, eq=False)
class _Node:
    after: "dict[str, _Node]" = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)


class _State(dict[int, "tuple[_State, tuple[tuple[int, int], ...]]"]):
    """Open phrases: the node that each has reached, and how many words it has taken.

    As a mapping: by kind of word, the state that it leads to, and the phrases that end with it as
    (phrase, words that it has).
    """

    __slots__ = ("open",)

    def __init__(self, still: "tuple[tuple[_Node, int], ...]" = ()) -> None:
        super().__init__()
        self.open = still


class Finder:
    """All phrases at once. Phrase number `n` is the `n`-th that was given."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._root = _Node()
        self._stems: dict[str, list[str]] = {}
        self._known: set[str] = set()
        for number, phrase in enumerate(phrases):
            for row in variants(phrase):
                self._add(row, number)
        self._longest = max(
            (len(one) for group in self._stems.values() for one in group), default=0
        )
        self._symbols: list[tuple[str, ...]] = [()]
        self._numbers: dict[tuple[str, ...], int] = {(): 0}
        self._beginnings: dict[int, list[tuple[_Node, int]]] = {}
        self._forget()
        self._forget_words()

    def _add(self, row: tuple[str, ...], number: int) -> None:
        node = self._root
        for symbol in row:
            if symbol.endswith("*") and symbol not in self._known:
                self._stems.setdefault(symbol[: min(STEMS[-1], len(symbol) - 1)], []).append(
                    symbol[:-1]
                )
            self._known.add(symbol)
            node = node.after.setdefault(symbol, _Node())
        node.ends.append(number)

    def find(self, text: Sequence[str]) -> list[tuple[int, int, int]]:
        """Every occurrence as (phrase, first word, last word + 1)."""
        found: list[tuple[int, int, int]] = []
        state = start = self._start
        for place, known in enumerate(map(self._kinds.get, text), 1):
            kind = self._learn(text[place - 1]) if known is None else known
            if kind > 0 or state is not start:
                state, ends = state.get(kind) or self._step(state, kind)
                for number, size in ends:
                    found.append((number, place - size, place))
        return found

    def _learn(self, raw: str) -> int:
        """The kind of a word: words of one kind are the same to every phrase.

        Above 0 a phrase may begin with it, below it can only go on; 0 is in no phrase.
        """
        if len(self._kinds) >= MOST_WORDS:
            self._forget_words()
        symbols = self._symbols_of(raw)
        kind = self._numbers.get(symbols)
        if kind is None:
            kind = len(self._symbols)
            self._symbols.append(symbols)
            begins = not self._root.after.keys().isdisjoint(symbols)
            kind = self._numbers[symbols] = kind if begins else -kind
        if len(raw) <= LONGEST_WORD:
            self._kinds[raw] = kind
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

    def _step(self, state: _State, kind: int) -> tuple[_State, tuple[tuple[int, int], ...]]:
        moved = self._moved(state, kind)
        if not moved and state is not self._start:
            # No open phrase goes on: what follows is as if none had been open.
            step = self._start.get(kind) or self._step(self._start, kind)
        else:
            moved = self._begun(kind) + moved
            ends = tuple([(number, size) for node, size in moved for number in node.ends])
            step = (self._state(tuple([one for one in moved if one[0].after])), ends)
        if self._size >= MOST_STEPS:
            self._forget()
        state[kind] = step
        self._size += 1
        return step

    def _begun(self, kind: int) -> list[tuple[_Node, int]]:
        if kind not in self._beginnings:
            begins = self._root.after
            symbols = self._symbols[abs(kind)]
            self._beginnings[kind] = [(begins[one], 1) for one in symbols if one in begins]
        return self._beginnings[kind]

    def _moved(self, state: _State, kind: int) -> list[tuple[_Node, int]]:
        symbols = self._symbols[abs(kind)]
        moved: list[tuple[_Node, int]] = []
        for node, size in state.open:
            after = node.after
            moved += [(after[symbol], size + 1) for symbol in symbols if symbol in after]
            if ANY in after:
                moved.append((after[ANY], size + 1))
        return moved

    def _state(self, still: tuple[tuple[_Node, int], ...]) -> _State:
        state = self._states.get(still)
        if state is None:
            state = self._states[still] = _State(still)
        return state

    def _forget(self) -> None:
        self._start = _State()
        self._states: dict[tuple[tuple[_Node, int], ...], _State] = {(): self._start}
        self._size = 0

    def _forget_words(self) -> None:
        self._kinds: dict[str, int] = {}
