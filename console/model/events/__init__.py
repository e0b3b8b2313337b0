"""What happened: every event of the record, one module for each kind of stream, and the envelope around them.

Events are the only truth about incidents, runs, shifts and drills. A kind never changes its meaning; a changed
shape gets a higher `kind_version`, and the codec keeps reading the old one.

A new kind: its class in its stream's module here, and what it changes in the module of that stream in `model.fold`.
"""

from console.model.events.alert import *
from console.model.events.baseline import *
from console.model.events.change import *
from console.model.events.decision import *
from console.model.events.delivery import *
from console.model.events.drill import *
from console.model.events.effect import *
from console.model.events.engine import *
from console.model.events.incident import *
from console.model.events.pager import *
from console.model.events.registry import *
from console.model.events.response import *
from console.model.events.rollback import *
from console.model.events.rollout import *
from console.model.events.run import *
from console.model.events.shift import *
