"""What may import what, and that the rule which says so would notice; what is imported is what is required."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("backend", "benchmarks", "embedded_aws", "lambdas", "pages")
CHOSEN_BY_NAME = {"httptools"}  # uvicorn parses with it where it is installed

pytest.importorskip("importlinter", reason="import-linter comes with requirements-dev.txt")


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    lint = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([lint, "--no-cache"], cwd=root, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The project's code in a folder of its own, to break."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_no_rule_is_broken() -> None:
    linted = lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout + linted.stderr


BREAKS = [
    ("backend/staging/stage.py", "import pages.shared", "pages stand on the backend"),
    ("embedded_aws/guard.py", "import backend.errors", "pages stand on the backend"),
    ("backend/training/jobs.py", "import embedded_aws", "only the environment knows where things run"),
    ("pages/training/page.py", "import embedded_aws", "only the environment knows where things run"),
    ("backend/aws/names.py", "import backend.staging", "features stand on the floor"),
    ("backend/staging/stage.py", "import backend.training", "features stand on the floor"),
    ("backend/charts/style.py", "import backend.settings", "features stand on the floor"),
    ("backend/overview.py", "import backend.charts", "only pages show charts"),
    ("backend/overview.py", "import streamlit", "only pages know Streamlit"),
    ("pages/training/page.py", "import boto3", "pages hold no call of AWS"),
    ("pages/training/page.py", "import pages.workflow.page", "the parts of a page are that page's"),
    ("embedded_aws/sagemaker/limits.py", "import embedded_aws.sagemaker.account", "built from the account up"),
    ("embedded_aws/sagemaker/capture/spool.py", "import embedded_aws.sagemaker.endpoints", "from the account up"),
    ("embedded_aws/sagemaker/service.py", "import embedded_aws.sagemaker.api.tags", "from the account up"),
    ("embedded_aws/signature.py", "import embedded_aws.guard", "no circles"),
    ("lambdas/filter_inference/handler.py", "import backend.errors", "a Lambda is all that it needs"),
    ("backend/jobs.py", "import tests.projects", "nothing needs the tests"),
]
"""A module, a line that it must not have, and of the name of the rule that says so."""


def add(root: Path, module: str, line: str) -> None:
    broken = root / module
    broken.write_text(f"{broken.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")


def test_each_import_that_breaks_a_rule_is_named_with_it(copied: Path) -> None:
    """All of them at once: each lint reads everything."""
    for module, line, _rule in BREAKS:
        add(copied, module, line)
    linted = lint_imports(copied)
    assert linted.returncode == 1
    told = linted.stdout.partition("Broken contracts")[2]
    for module, line, rule in BREAKS:
        assert re.search(rf"^.*{re.escape(rule)}.* BROKEN", linted.stdout, re.MULTILINE), linted.stdout
        importer = module.removesuffix(".py").replace("/", ".")
        importing = f"{importer} -> {line.removeprefix('import ').removesuffix('.projects')}"  # the tests are one
        assert importing in told or rule == "no circles", f"{importing}\n{told}"  # of circles, other words are said


@pytest.mark.slow
@pytest.mark.parametrize(("module", "line", "rule"), BREAKS)
def test_an_import_that_breaks_a_rule_is_named_by_itself(copied: Path, module: str, line: str, rule: str) -> None:
    add(copied, module, line)
    linted = lint_imports(copied)
    assert linted.returncode == 1
    assert re.search(rf"^.*{re.escape(rule)}.* BROKEN", linted.stdout, re.MULTILINE), linted.stdout


def test_a_module_that_has_no_place_yet_is_named(copied: Path) -> None:
    (copied / "backend" / "somewhere.py").write_text('"""New."""\n', encoding="utf-8")
    linted = lint_imports(copied)
    assert linted.returncode == 1
    assert "somewhere" in linted.stdout


def test_one_word_is_one_module() -> None:
    names = Counter(path.stem for package in ("backend", "embedded_aws") for path in (ROOT / package).rglob("*.py"))
    words = ("container", "channels", "launch", "store", "service")
    assert {word: names[word] for word in words if names[word] > 1} == {}


def test_three_modules_are_named_errors_and_each_is_meant() -> None:
    found = {path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("errors.py")}
    trees_and_translation = ("backend/errors.py", "embedded_aws/errors.py", "backend/aws/errors.py")
    assert found == {Path(name) for name in trees_and_translation}


def test_the_app_requires_what_it_imports_and_nothing_else() -> None:
    app = [path for name in PACKAGES if name != "benchmarks" for path in (ROOT / name).rglob("*.py")]
    assert imported([ROOT / "streamlit_app.py", *app]) == required("requirements.txt") - CHOSEN_BY_NAME


def test_tests_and_benchmarks_import_what_the_app_or_development_requires() -> None:
    everything = required("requirements.txt") | required("requirements-test.txt") | required("requirements-dev.txt")
    ours = [
        path for name in ("benchmarks", "tests") for path in (ROOT / name).rglob("*.py") if path.parts[-2] != "sdks"
    ]
    assert imported(ours) - everything == set()


def required(file: str) -> set[str]:
    """The names of the distributions that a requirements file asks for itself."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return {match[0].lower() for line in lines if (match := re.match(r"[A-Za-z0-9][\w.-]*", line))}


def imported(paths: Iterable[Path]) -> set[str]:
    """The distributions that these modules import while they run: what only types need is left out."""
    tops = {top for path in paths for top in top_names(path) if not path.with_name(f"{top}.py").exists()}
    distributions = packages_distributions()
    foreign = tops - sys.stdlib_module_names - {*PACKAGES, "tests"}
    return {distributions.get(top, [top])[0].lower() for top in foreign}


def top_names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {name.partition(".")[0] for node in running(tree) for name in module_names(node)}


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node below this one but those for the type checker."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            yield node
            yield from running(node)


def module_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
