"""The world of the demo and of the drills, behind the same ports as the real one. Nothing here can cause an effect
outside: no network, no files, no time but the injected clock's."""

from console.integrations.simulated.acting import SimulatedProbes, SimulatedPrograms
from console.integrations.simulated.alerts import SimulatedAlerts
from console.integrations.simulated.channel import SimulatedChannel
from console.integrations.simulated.metrics import SimulatedMetrics
from console.integrations.simulated.others import SimulatedFlags, SimulatedHealth
from console.integrations.simulated.silences import SimulatedSilences
from console.integrations.simulated.world import BREAKABLE, World

__all__ = [
    "BREAKABLE",
    "SimulatedAlerts",
    "SimulatedChannel",
    "SimulatedFlags",
    "SimulatedHealth",
    "SimulatedMetrics",
    "SimulatedProbes",
    "SimulatedPrograms",
    "SimulatedSilences",
    "World",
]
