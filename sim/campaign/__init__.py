"""Many simulated treatments with sampled patients, people and faults, judged by monitors over the true plant state."""
