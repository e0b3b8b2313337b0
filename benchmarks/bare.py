"""The floor: the least program that Textual can make, an App with one Static. `q` leaves it."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class Bare(App[None]):
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [("q", "quit", "Quit")]  # noqa: RUF012  # as Textual has it

    def compose(self) -> ComposeResult:
        yield Static("bare and ready")


if __name__ == "__main__":
    Bare().run()
