"""What is tested, as the workflow and the package say it."""

from __future__ import annotations

import re

import yaml
from fakes import ROOT


def test_the_package_names_the_versions_that_the_workflow_runs() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    run = workflow["jobs"]["all"]["strategy"]["matrix"]["python"]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project) == run
    assert f'requires-python = ">={run[0]}"' in project
