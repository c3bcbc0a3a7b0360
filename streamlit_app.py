"""The app. `make run`, or `streamlit run streamlit_app.py`, serves it; pages/main.py is what each visit runs."""

from __future__ import annotations

from starlette.middleware import Middleware
from streamlit.starlette import App

from backend.web import EnvironmentLifespan, Guard, PatientConnections

app = App(
    "pages/main.py",
    middleware=[Middleware(PatientConnections), Middleware(EnvironmentLifespan), Middleware(Guard)],
)
