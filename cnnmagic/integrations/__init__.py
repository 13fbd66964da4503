"""Engines and services that users already have, each imported only by a training that asks for it."""
