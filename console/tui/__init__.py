"""The screen: Textual over `console.view`. A screen lays out, binds keys and passes on."""
