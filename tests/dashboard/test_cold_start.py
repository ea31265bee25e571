"""What answers Rank starts without the dashboard."""

import subprocess
import sys

from harness.system import PROJECT


def test_importing_the_app_imports_nothing_of_it() -> None:
    program = "import sys, function_app; sys.exit(any(one.startswith('shared.dashboard') for one in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], cwd=PROJECT).returncode == 0
