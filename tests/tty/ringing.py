"""A console whose feed flaps for ten minutes of its clock, to be listened to: `python -m tests.tty.ringing [off]`.

The alert's name wants to be obeyed by the terminal. Once it is over, `LISTENED` is the name of the only alert.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

from console.tui.launch import run

HOSTILE = "Down\x07\x1b]52;c;aGFjaw==\x07\x9d0;evil\x9c\u202e"
MINUTES = 10


def main():
    def start():
        from console.model.board import AlertFeed
        from console.model.reading import ReadingState
        from console.model.text import safe
        from tests.tui.fake import FakeEngine, StillClock
        from tests.view import boards

        class Flapping(FakeEngine):
            async def start(self):
                await super().start()
                asyncio.get_running_loop().create_task(self.flap())

            async def flap(self):
                alert, times = boards.alert(safe(HOSTILE), fingerprint="flap", summary=safe(HOSTILE)), ()
                for second in range(MINUTES * 60):
                    self.clock.advance(seconds=1)
                    there = second % 2 == 0
                    times = (*times, self.clock.now())[-20:] if there else times
                    self.feed((alert,) if there else (), {"flap": times}, f"{second}")
                    await asyncio.sleep(0.002)
                self.feed((boards.alert("LISTENED", "warning"),), {}, "end")

            def feed(self, alerts, arrivals, head):
                self.show(feed=AlertFeed(alerts, ReadingState.OK, self.clock.now(), "", arrivals=arrivals), head=head)

        engine = Flapping(boards.quiet(), StillClock())
        engine.settings = replace(engine.settings, bell="off" not in sys.argv)
        return engine, engine.clock

    sys.exit(run(start, title="lighthouse/production"))


if __name__ == "__main__":
    main()
