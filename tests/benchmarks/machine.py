"""The machine, and the CPU time that processes spent on it."""

import os
import platform
from dataclasses import dataclass

import psutil


def description() -> dict[str, object]:
    from tests.benchmarks import server

    return {
        "cores": cores(),
        "processor": _processor(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": str(server.ask("SHOW server_version")),
        "load_before": round(os.getloadavg()[0], 2),
    }


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(
                line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
            )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds of the application's processes and of PostgreSQL's."""

    python: float
    postgresql: float

    def __sub__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.python - other.python, self.postgresql - other.postgresql)


def spent(python_pids: list[int], postmaster: int) -> Cpu:
    return Cpu(sum(_tree(pid) for pid in python_pids), _tree(postmaster))


def _tree(pid: int) -> float:
    """Of a process, its descendants, and those of them that have ended."""
    total = 0.0
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += (
            times.user
            + times.system
            + getattr(times, "children_user", 0)
            + getattr(times, "children_system", 0)
        )
    return total
