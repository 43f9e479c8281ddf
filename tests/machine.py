"""What this machine has: some tests need a Docker engine or a browser."""

import shutil
import subprocess

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def chromium() -> str | None:
    """Path of the browser; None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def browser_missing() -> str | None:
    """Why browser tests cannot run; None when they can."""
    return None if chromium() else "no Chromium on this machine (Debian: apt install chromium)"


def kustomize() -> tuple[str, ...] | None:
    """The command that renders a folder, which comes behind it; None where there is none."""
    if path := shutil.which("kustomize"):
        return (path, "build")
    path = shutil.which("kubectl")
    return (path, "kustomize") if path else None


def kustomize_missing() -> str | None:
    """Why tests of the Kubernetes manifests cannot run; None when they can."""
    return None if kustomize() else "no kubectl and no kustomize on this machine"


def docker_missing() -> str | None:
    """Why tests with servers in containers cannot run; None when they can."""
    if shutil.which("docker") is None:
        return "no docker command on this machine"
    answer = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    return None if answer.returncode == 0 else "no Docker engine answers `docker info`"
