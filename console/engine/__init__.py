"""The running console without a screen."""
