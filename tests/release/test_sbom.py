"""The bill of materials: of the wheel, with what the chosen extras bring, and nothing of the machine."""

import json
import zipfile
from email.parser import HeaderParser
from pathlib import Path

from release.sbom import describe, metadata_of, root_component
from tests.release.environments import environment_with

METADATA = """\
Metadata-Version: 2.4
Name: cxfulfill
Version: 1.2.0
Summary: A "framework"
License-Expression: Apache-2.0
Requires-Dist: flask>=3.1
Requires-Dist: colorama>=0.4; sys_platform == "win32"
Requires-Dist: rich>=14.0; extra == "all"
Requires-Dist: ruff>=0.14; extra == "dev"
"""


def test_the_root_has_the_wheels_name_licence_and_direct_dependencies(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "some.whl", "w") as wheel:
        wheel.writestr("cxfulfill-1.2.0.dist-info/METADATA", METADATA)
    assert root_component(metadata_of(tmp_path / "some.whl"), frozenset({"all"})) == (
        "[project]\n"
        'name = "cxfulfill"\n'
        'version = "1.2.0"\n'
        'description = "A \\"framework\\""\n'
        'license = "Apache-2.0"\n'
        'dependencies = ["flask>=3.1", "rich>=14.0"]\n'
    )


def test_the_bill_links_the_root_to_what_is_installed_and_tells_no_time_and_no_place(tmp_path: Path) -> None:
    project = tmp_path / "sbom.toml"
    project.write_text(root_component(HeaderParser().parsestr(METADATA), frozenset({"all"})))
    python = environment_with(tmp_path / "venv", {"Flask": "License-Expression: BSD-3-Clause", "rich": "License: MIT"})
    out = tmp_path / "bill.json"
    describe(python, project, out)
    bill = json.loads(out.read_text())
    root = bill["metadata"]["component"]
    assert (bill["bomFormat"], root["name"], root["version"]) == ("CycloneDX", "cxfulfill", "1.2.0")
    assert root["licenses"][0]["license"]["id"] == "Apache-2.0"
    [needed] = [each["dependsOn"] for each in bill["dependencies"] if each["ref"] == root["bom-ref"]]
    assert needed == ["Flask==1.0", "rich==1.0"]
    assert str(tmp_path) not in out.read_text()
    assert "timestamp" not in bill["metadata"]
    assert "serialNumber" not in bill
