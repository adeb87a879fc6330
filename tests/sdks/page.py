"""What docs/sdks.md says of the programs: its code is theirs, and its versions are those pinned.

Of each program the page has a paragraph that begins with the SDK, its version and a number of
lines, then `<!-- tests/sdks/FOLDER/FILE -->` and the code. A row of its table names an SDK and a
version. An SDK is named as a manifest names it.
"""

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE / "../../docs/sdks.md"
MANIFESTS = [
    "python/requirements.in",
    "node/package.json",
    "go/go.mod",
    "java/mp/pom.xml",
    "java/miniapp/pom.xml",
    "java/cp/pom.xml",
    "php/composer.json",
]
RECIPE = re.compile(
    r"^`(?P<sdk>[^`]+)` (?P<version>\S+), (?P<lines>\d+) lines\.(?:(?!\n\n).)*\n\n"
    r"<!-- tests/sdks/(?P<program>\S+) -->\n```\w+\n(?P<code>.*?)^```$",
    re.M | re.S,
)
ROW = re.compile(r"^\| `(?P<sdk>[^`]+)` \| (?P<version>\S+) \|", re.M)


def faults(programs: list[str]) -> list[str]:
    """What is wrong with the page, as sentences."""
    page = PAGE.read_text()
    pinned = [line for each in MANIFESTS for line in (HERE / each).read_text().splitlines()]
    recipes, rows = list(RECIPE.finditer(page)), list(ROW.finditer(page))
    found = []

    def demand(holds, fault):
        if not holds:
            found.append(f"docs/sdks.md: {fault}")

    for named in rows + recipes:
        sdk, version = named["sdk"], named["version"]
        demand(
            any(sdk in line and version in line for line in pinned),
            f"no manifest pins {sdk} {version}",
        )
    for recipe in recipes:
        name, code = recipe["program"], recipe["code"]
        demand(name in programs, f"no check runs {name}")
        demand(code in (HERE / name).read_text(), f"its code of {name} is not what is run")
        lines = sum(1 for line in code.splitlines() if line.strip())
        demand(lines == int(recipe["lines"]), f"the code of {name} has {lines} lines")
    in_table = {row["sdk"] for row in rows}
    demand(in_table == {recipe["sdk"] for recipe in recipes}, "its table has other SDKs")
    missing = set(programs) - {recipe["program"] for recipe in recipes}
    demand(not missing, f"it lacks {sorted(missing)}")
    return found
