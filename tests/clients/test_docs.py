"""docs/clients.md says what the tests do."""
import os
import subprocess
import sys

import matrix


def test_table(tmp_path):
    file = tmp_path / "clients.md"
    file.write_text(f"before\n{matrix.BEGIN}old\n{matrix.END}after\n")
    subprocess.run([sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only",
                    f"--clients-table={file}", os.path.dirname(__file__)], check=True, capture_output=True, timeout=60)
    assert matrix.documented()[1] == matrix.documented(file)[1], "make clients-table writes it"
