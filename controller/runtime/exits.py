"""Exit codes of the host's processes and of `hipec`; the simulator and the protective channel use the same."""

from __future__ import annotations

DONE = 0  # ended as asked
FAILED = 1  # failed or violated; control and protective are started again
REFUSED = 2  # usage or configuration: started again it would refuse again
TRIPPED = 3  # the treatment ended by a trip
