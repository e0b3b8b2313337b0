"""The composition root: the one place where journals and integrations meet the engine, and the engine the screen.

Nothing heavy is imported before it is needed: these modules cost no more than what `oncall --help` may cost.
"""

from console.bootstrap.common import BadInput, Options, configuration, journal_path, open_journal, run, settle
from console.bootstrap.real import journal_for_reading, live, opened
from console.bootstrap.simulated import Demo, Simulation, demo, demo_folder, headless, play, play_drill

__all__ = [
    "BadInput",
    "Demo",
    "Options",
    "Simulation",
    "configuration",
    "demo",
    "demo_folder",
    "headless",
    "journal_for_reading",
    "journal_path",
    "live",
    "open_journal",
    "opened",
    "play",
    "play_drill",
    "run",
    "settle",
]
