"""The files of deploy/: their form, and that they name what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from fakes import ROOT

from rag import Settings

pytestmark = pytest.mark.long
DEPLOY = ROOT / "deploy"


def test_compose_file_is_of_its_form() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, DEPLOY / "compose.yaml"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert {name for name, service in services.items() if "profiles" not in service} == {"weights", "dateline"}


def test_unit_of_systemd_is_of_its_form(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd here")
    text = (DEPLOY / "dateline.service").read_text(encoding="utf-8")
    unit = tmp_path / "dateline.service"
    unit.write_text(text.replace("/opt/dateline/bin/rag", sys.executable), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
    assert [line for line in done.stderr.splitlines() if "dateline.service" in line] == []


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "dateline.service", "README.md"])
def test_variables_are_settings(name: str) -> None:
    found = re.findall(r"^[^#\n]*\bRAG_([A-Z_]+)", (DEPLOY / name).read_text(encoding="utf-8"), re.MULTILINE)
    assert found and {variable.lower() for variable in found} <= set(Settings.model_fields)


def test_image_gets_what_the_packages_need() -> None:
    sys.path.insert(0, str(DEPLOY))
    try:
        import steps
    finally:
        sys.path.remove(str(DEPLOY))
    found = list(steps.steps((DEPLOY / "Dockerfile").read_text(encoding="utf-8")))
    copied = {source for name, arguments in found if name == "COPY" for source in arguments.split()[:-1]}
    let_in = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert copied == set(let_in) and all((ROOT / name).exists() for name in copied)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needed = [*re.findall(r'^"(\w+)" = "rag/', project, re.MULTILINE), "rag", "README.md", "LICENSE"]
    assert set(needed) <= copied
