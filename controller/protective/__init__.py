"""The second channel: its own process, probes, port and contactor. Standard library and pyserial only."""
