"""The sandbox's company: a simulation that keeps three systems consistent by construction."""

from extractors.sandbox.world.engine import advance_world, build_world

__all__ = ["advance_world", "build_world"]
