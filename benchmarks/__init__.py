"""Speed, printed and never asserted: `python -m benchmarks.NAME`; each file says what it measures."""
