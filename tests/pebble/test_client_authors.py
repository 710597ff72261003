"""docs/client-authors.md, to the letter."""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import yaml
from harness.ports import free_port
from harness.server import PROGRAM, ROOT

NODE_PATH = os.path.join(ROOT, "build/clients/npm/node_modules")
LANGUAGES = {       # what is needed, the file's name, and the command
    "go": ("go", "start.go", ["go", "run", "start.go"]),
    "python": (sys.executable, "start.py", [sys.executable, "start.py"]),
    "rust": ("rustc", "start.rs", ["sh", "-c", "rustc -o start start.rs && exec ./start"]),
    "java": ("java", "Start.java", ["java", "Start.java"]),
    "js": ("node", "start.js", ["env", "NODE_EXTRA_CA_CERTS=tls-root.pem", "node", "start.js"])}


def blocks(language):
    with open(os.path.join(ROOT, "docs/client-authors.md"), encoding="utf-8") as f:
        return re.findall(rf"^```{language}\n(.*?)^```$", f.read(), re.S | re.M)


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Runs a script in the folder where ours go by the names of Pebble's; what it leaves running ends with the test."""
    folder = tmp_path_factory.mktemp("authors")
    os.mkdir(folder / "bin")
    for name in ("pebble", "pebble-challtestsrv"):
        os.symlink(PROGRAM, folder / "bin" / name)
    env = {**{k: v for k, v in os.environ.items() if not k.startswith("PEBBLE_")}, "NODE_PATH": NODE_PATH,
           "PATH": f"{folder}/bin:{os.environ['PATH']}", "GO111MODULE": "off"}

    def run(script, check=True, **more):
        done = subprocess.run(["bash", "-ec", f"trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n{script}"], cwd=folder,
                              env={**env, **more}, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done.stdout
    run.folder = folder
    return run


def test_shell(shell):
    """All of them in their order, in one shell."""
    text = shell("\n".join(blocks("sh")).replace(":8055", f":{free_port()}"))
    assert '"newNonce"' in text and "Seed: 7" in text and "Pebble Root CA" in text
    assert '"rateLimited"' in text and '"1/3600s"' in text and '"clients"' in text
    assert "1: unknown" in text and "/moved/order-plz" in text
    assert "<testsuite" in (shell.folder / "conformance.xml").read_text()
    assert "<html" in (shell.folder / "conformance.html").read_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages(shell, language):
    program, name, command = LANGUAGES[language]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    code, = blocks(language)
    (shell.folder / name).write_text(code)
    text = shell(f"{blocks('sh')[0]}\n{shlex.join(command)}")
    if language == "js":
        assert text.count("BEGIN CERTIFICATE") == 2
    else:
        assert re.search(r"https://localhost:\d+/dir\b", text)


def test_github_actions(shell):
    """It is a workflow, and its steps do what they say."""
    workflow = yaml.safe_load(blocks("yaml")[0])
    steps = workflow["jobs"]["acme"]["steps"]
    assert all("uses" in step or "run" in step for step in steps)
    runs = {step["name"]: step["run"] for step in steps if "run" in step}
    dns, manage = free_port(), free_port()
    start = runs["Start"].replace(":8053", f":{dns}").replace(":8055", f":{manage}")
    config = {"listenAddress": "127.0.0.1:0", "managementListenAddress": "127.0.0.1:0"}
    (shell.folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    shell(f"rm -f ready.json env\n{start}\n{runs['What the client did wrong']}", GITHUB_ENV=str(shell.folder / "env"))
    assert re.fullmatch(r"ACME_DIRECTORY=https://localhost:\d+/dir\n", (shell.folder / "env").read_text())
    assert "<testsuite" in (shell.folder / "conformance.xml").read_text()
