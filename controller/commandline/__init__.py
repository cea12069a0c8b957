"""The commands of `hipec`, by what a person is doing: operating, simulating, or looking at a rig.

Each command parses, calls one function and turns its outcome into an exit code (`controller.app` says which).
"""
