"""Rules for the Dockerfile, of those that hadolint has (https://github.com/hadolint/hadolint)."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
IMAGES = ("poller", "classifier", "notifier", "ncbi-sim", "console", "web")
LABELS = ("title", "description", "licenses", "version", "revision", "created", "source")


@dataclass(frozen=True)
class Step:
    """One instruction: `RUN`, what follows it, and the stage that it is in."""

    word: str
    rest: str
    stage: str


def steps(text: str) -> list[Step]:
    """The instructions of a Dockerfile, each on one line, without comments."""
    plain = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    found: list[Step] = []
    stage = ""
    for line in re.sub(r"\\\n\s*", " ", plain).splitlines():
        word, _, rest = line.strip().partition(" ")
        if not word:
            continue
        if word.upper() == "FROM":
            stage = rest.rpartition(" AS ")[2] if " AS " in rest else rest
        found.append(Step(word.upper(), rest.strip(), stage))
    return found


def faults(text: str) -> set[str]:
    """What is wrong with a Dockerfile, as the numbers of hadolint's rules, and our own words."""
    every = steps(text)
    stages = {one.stage for one in every}
    found = set()
    for one in every:
        found |= {name for name, wrong in _wrong(one, stages).items() if wrong}
    last = {one.stage: one.rest for one in every if one.word == "USER"}
    shipped = stages & set(IMAGES)
    found |= {"DL3002 last user is root" for name in shipped if last.get(name) in {None, "root"}}
    for name in shipped:
        words = [one.word for one in every if one.stage == name]
        found |= {f"no {word}" for word in ("HEALTHCHECK", "CMD", "LABEL") if word not in words}
        found |= {f"DL4003 several {word}" for word in ("CMD", "HEALTHCHECK", "ENTRYPOINT")
                  if words.count(word) > 1}  # fmt: skip
    return found


def _wrong(one: Step, stages: set[str]) -> dict[str, bool]:
    base = one.rest.split()[0] if one.word == "FROM" else ""
    if one.word == "COPY" and (source := re.search(r"--from=(\S+)", one.rest)):
        base = source[1]
    foreign = bool(base) and base not in stages
    is_run, copied = one.word == "RUN", re.sub(r"--\S+", "", one.rest).split()[:-1]
    return {
        "DL3006 no tag": foreign and ":" not in base,
        "DL3007 latest": foreign and base.endswith(":latest"),
        "DL3020 ADD": one.word == "ADD",
        "COPY of everything": one.word == "COPY" and bool({".", "./", "*"} & set(copied)),
        "DL3025 not as JSON": one.word in {"CMD", "ENTRYPOINT"} and not one.rest.startswith("["),
        "DL3004 sudo": is_run and bool(re.search(r"\bsudo\b", one.rest)),
        "DL3009 apt lists kept": is_run and "apt-get" in one.rest
        and "rm -rf /var/lib/apt/lists" not in one.rest,
        "DL3013 pip without a version": is_run
        and bool(re.search(r"pip3? install", one.rest)) and "==" not in one.rest,
        "DL3042 pip's cache kept": is_run and "pip install" in one.rest
        and "--mount=type=cache" not in one.rest and "--no-cache-dir" not in one.rest,
        "from the net": bool(re.search(r"\b(curl|wget)\b|https?://", one.rest))
        and one.word in {"RUN", "ADD", "COPY"},
        "open to all": is_run and bool(re.search(r"chmod\s+(-R\s+)?\S*(777|a\+w|o\+w)", one.rest)),
        "a secret as ARG or ENV": one.word in {"ARG", "ENV"}
        and bool(re.search(r"password|secret|token|_key\b|credential", one.rest, re.IGNORECASE)),
        "DL3000 relative WORKDIR": one.word == "WORKDIR" and not one.rest.startswith("/"),
        "DL4000 MAINTAINER": one.word == "MAINTAINER",
    }  # fmt: skip


def test_our_dockerfile_breaks_no_rule() -> None:
    assert {one.stage for one in steps(TEXT)} >= set(IMAGES)
    assert faults(TEXT) == set()


GOOD = (
    "FROM python:3.13-slim AS poller\nLABEL a=b\nUSER carillon\nHEALTHCHECK CMD [\"true\"]\n"
    'CMD ["python"]\n'
)  # fmt: skip
BAD = {
    "DL3006 no tag": GOOD.replace(":3.13-slim", ""),
    "DL3007 latest": GOOD.replace("3.13-slim", "latest"),
    "DL3002 last user is root": GOOD.replace("USER carillon", "USER root"),
    "DL3020 ADD": GOOD + "ADD a /a\n",
    "from the net": GOOD + "ADD https://example.org/a /a\n",
    "COPY of everything": GOOD + "COPY --chown=a:a . /app/\n",
    "DL3025 not as JSON": GOOD.replace('CMD ["python"]', "CMD python"),
    "DL3004 sudo": GOOD + "RUN sudo true\n",
    "DL3009 apt lists kept": GOOD + "RUN apt-get update \\\n && apt-get install -y caddy\n",
    "DL3013 pip without a version": GOOD + "RUN pip install --no-cache-dir uv\n",
    "DL3042 pip's cache kept": GOOD + "RUN pip install uv==1\n",
    "open to all": GOOD + "RUN chmod -R 777 /app\n",
    "a secret as ARG or ENV": GOOD + "ENV SMTP_PASSWORD=x\n",
    "no HEALTHCHECK": GOOD.replace('HEALTHCHECK CMD ["true"]\n', ""),
    "no LABEL": GOOD.replace("LABEL a=b\n", ""),
    "DL4003 several CMD": GOOD + 'CMD ["again"]\n',
    "DL3000 relative WORKDIR": GOOD + "WORKDIR app\n",
    "DL4000 MAINTAINER": GOOD + "MAINTAINER me\n",
}


def test_a_good_one_passes() -> None:
    assert faults(GOOD) == set()


@pytest.mark.parametrize("fault", BAD)
def test_each_rule_is_seen_to_be_broken(fault: str) -> None:
    assert fault in faults(BAD[fault])


def test_the_labels_say_what_it_is_and_where_it_comes_from() -> None:
    base = " ".join(one.rest for one in steps(TEXT) if (one.stage, one.word) == ("base", "LABEL"))
    assert set(re.findall(r"org\.opencontainers\.image\.(\w+)=", base)) == set(LABELS)
    for name in IMAGES:
        own = [one.rest for one in steps(TEXT) if (one.stage, one.word) == (name, "LABEL")]
        assert own == [f'org.opencontainers.image.title="Carillon {name}"']
