"""Programs: argument vectors that a playbook's command steps name, run on this host. Never a shell."""

from console.integrations.program.runner import LocalPrograms as LocalPrograms
