"""The most memory that a process held."""

import resource
import sys
from pathlib import Path


def most_held() -> float:
    """The most of this process so far, in MB.

    Where the system tells it for the program alone (`VmHWM`), that is taken: `ru_maxrss` of a
    process that was started by a large one begins with the memory of that one.
    See https://man7.org/linux/man-pages/man2/getrusage.2.html and proc_pid_status(5).
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
