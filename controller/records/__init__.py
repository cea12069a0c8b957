"""The treatment record: what was measured, asked for, done and configured, written once and verifiable."""
