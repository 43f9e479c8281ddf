"""Rules tried by Prometheus' own tool, out of its image; files go in by a pipe, none is mounted."""

import io
import json
import re
import subprocess
import tarfile
from collections.abc import Mapping, Sequence

from tests.alerts.healthy import Series
from tests.alerts.selectors import alerts

IMAGE = "prom/prometheus:v2.53.3"
EVERY = 240
"""Seconds between two samples: less than the five minutes that Prometheus looks back."""

Test = dict[str, object]


def promtool(files: Mapping[str, bytes], *arguments: str) -> tuple[int, str]:
    """Run it beside these files; its exit code, and what it said."""
    command = "mkdir /tmp/t && cd /tmp/t && tar x && exec timeout 210 promtool " + " ".join(
        arguments
    )
    ran = subprocess.run(
        ["docker", "run", "--rm", "-i", "--network=none", "--entrypoint=sh", IMAGE, "-c", command],
        input=_packed(files), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=225,
        check=False,
    )  # fmt: skip
    return ran.returncode, ran.stdout.decode()


def a_test(
    name: str, series: Mapping[str, Series], hours: float, expected: Mapping[float, Sequence[str]]
) -> Test:
    """That at these hours these alerts, and no others, fire; with -1 as hour: that any ever did.

    What their summaries name is not empty.
    """
    asked = [_asked(hours, hour, fires) for hour, fires in expected.items()]
    named = [_named(hour, alert) for hour, fires in expected.items() for alert in fires]
    instants = range(0, int(hours * 3600) + EVERY, EVERY)
    return {
        "name": name,
        "interval": f"{EVERY}s",
        "input_series": [
            {"series": one, "values": _written([value(t) for t in instants])}
            for one, value in series.items()
        ],
        "promql_expr_test": [*asked, *(one for each in named for one in each)],
    }


def _asked(hours: float, hour: float, fires: Sequence[str]) -> dict[str, object]:
    alerts = 'ALERTS{alertstate="firing"}'
    ever = f"group by (alertname) (count_over_time({alerts}[{int(hours)}h]))"
    samples = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(fires)]
    now = f"group by (alertname) ({alerts})"
    at = int((hours if hour < 0 else hour) * 3600)
    return {"expr": ever if hour < 0 else now, "eval_time": f"{at}s", "exp_samples": samples}


def _named(hour: float, alert: str) -> list[dict[str, object]]:
    """That none of this alert lacks a label that its summary names."""
    (summary,) = (str(one["annotations"]) for one in alerts() if one["alert"] == alert)
    return [
        {
            "expr": f'ALERTS{{alertstate="firing",alertname="{alert}",{label}=""}}',
            "eval_time": f"{int(hour * 3600)}s",
            "exp_samples": [],
        }
        for label in re.findall(r"\$labels\.(\w+)", summary)
    ]


def written_down(rules: str, tests: Sequence[Test], every: int) -> bytes:
    """A file of tests, evaluated every so many seconds; JSON is YAML too."""
    whole = {"rule_files": [rules], "evaluation_interval": f"{every}s", "tests": tests}
    return json.dumps(whole).encode()


def _written(values: Sequence[float | None]) -> str:
    """In promtool's notation, where "3+2x4" is 3 5 7 9 11 and "_x4" four scrapes without it."""
    parts, at = list[str](), 0
    while at < len(values):
        first, end = values[at], at + 1
        if first is None:
            while end < len(values) and values[end] is None:
                end += 1
            parts.append(f"_x{end - at}")
        else:
            following = values[end] if end < len(values) else None
            step = (following if following is not None else first) - first
            while end < len(values) and values[end] == first + step * (end - at):
                end += 1
            parts.append(
                f"{first:.10g}{step:+.10g}x{end - at - 1}" if end - at > 1 else f"{first:.10g}"
            )
        at = end
    return " ".join(parts)


def _packed(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
