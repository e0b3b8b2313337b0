"""Dialogs: one form, one picker, one text; what they ask is said by `actions`."""
