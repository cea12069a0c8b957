"""Alarm sounds: one table of bursts, and files made from it."""
