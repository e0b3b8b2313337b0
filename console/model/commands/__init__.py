"""What an operator wants. `model.decide` answers with events or a refusal.

A new command: its class in its subject's module here, and its rule in `model.decide`.
"""

from console.model.commands.base import *
from console.model.commands.incidents import *
from console.model.commands.outside import *
from console.model.commands.proofs import *
from console.model.commands.rollout import *
from console.model.commands.runs import *
from console.model.commands.safe import *
from console.model.commands.shifts import *
