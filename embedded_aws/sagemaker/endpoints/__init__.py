"""Endpoints: what serves, what is sent to it, and how it changes."""
